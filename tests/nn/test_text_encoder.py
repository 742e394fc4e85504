import torch

from vitascope.nn.text_encoder import TextEncoder, TextEncoderConfig


@torch.no_grad()
def test_padding_changes_nothing_and_null_text_is_one_thing(awake):
    config = TextEncoderConfig(vocabulary=50, table_dim=8, dim=16, heads=2, depth=2, max_words=6)
    net = awake(TextEncoder(config, torch.randn(50, 8)))
    ids = torch.tensor([[1, 7, 9, 0, 0]])
    mask = ids > 0
    _, pooled = net(ids, mask)
    _, shorter = net(ids[:, :3], mask[:, :3])
    torch.testing.assert_close(pooled, shorter)
    _, other = net(torch.tensor([[1, 9, 7]]), mask[:, :3])
    assert not torch.allclose(pooled, other)
    empty = torch.zeros_like(mask)
    torch.testing.assert_close(net(ids, empty)[1], net(ids + 3, empty)[1])
