"""The token embeddings that the text encoder starts from: wordllama's (MIT), read straight from its wheel."""

from importlib.util import find_spec
from pathlib import Path

from jaxtyping import Float
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import Tensor

TABLE = "weights/l2_supercat_256.safetensors"
TOKENIZER = "tokenizers/l2_supercat_tokenizer_config.json"


def package_folder() -> Path:
    """Return where wordllama is installed, without importing it. Raises ModuleNotFoundError if it is not."""
    spec = find_spec("wordllama")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError('training needs wordllama\'s embeddings: pip install ".[train]"')
    return Path(spec.origin).parent


def embedding_table() -> Float[Tensor, "vocabulary table_dim"]:
    """Return the table, float32[32000 256]."""
    (table,) = load_file(package_folder() / TABLE).values()
    return table.float()


def tokenizer() -> Tokenizer:
    """Return the tokenizer that goes with the table, with neither padding nor truncation."""
    made = Tokenizer.from_file(str(package_folder() / TOKENIZER))
    made.no_padding()
    made.no_truncation()
    return made
