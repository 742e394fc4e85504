"""The words of a language other than English: tables of phrases, and the longest of them at a place of a text."""

import json
import re
import tomllib
import unicodedata
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any, Protocol, runtime_checkable

NAMES = {
    "es": "Spanish", "fr": "French", "de": "German", "pt": "Portuguese", "it": "Italian", "ru": "Russian",
    "ar": "Arabic", "hi": "Hindi", "zh": "Chinese", "ja": "Japanese", "ko": "Korean",
}  # fmt: skip
"""Language code -> what it is called in English; each has its table in `languages/`."""
LATIN = ("es", "fr", "de", "pt", "it")

_MARKS = re.compile("[\u0300-\u036f\u064b-\u0652\u0670\u0640\u093c]")
"""Accents of Latin and Cyrillic letters, vowel signs of Arabic, dots of Hindi: nobody has to write them."""
_ONE_SPELLING = str.maketrans("أإآٱىةँ", "اااايهं")
_TRADITIONAL = str.maketrans(
    "貓馬鳥魚龍龜蟲鴨雞鵝鷹鯨鯊獅貍獾車飛機艦氣圓雲電貨輪輛隻個頭條兩園場裡裏邊灘邨樓廳間劇農樹葉花見風雪"
    "陽陰晴鏡頭攝緩慢遠進靜動鉛筆畫彩風格黑電影術與跟後沒無轉圈長變滾騎駕駛師員貝麵蘋"
    "綠藍紅紫黃顏髮時鐘樂歡開門龐滿過這從邊繞處",
    "猫马鸟鱼龙龟虫鸭鸡鹅鹰鲸鲨狮狸獾车飞机舰气圆云电货轮辆只个头条两园场里里边滩村楼厅间剧农树叶花见风雪"
    "阳阴晴镜头摄缓慢远进静动铅笔画彩风格黑电影术与跟后没无转圈长变滚骑驾驶师员贝面苹"
    "绿蓝红紫黄颜发时钟乐欢开门庞满过这从边绕处",
)
_PARTICLES = frozenset(
    ("", "이", "가", "을", "를", "은", "는", "의", "에", "에서", "와", "과", "도", "로", "으로", "들", "들이", "들은",
     "들을", "한테", "에게", "만", "까지", "부터", "위", "속")
)  # fmt: skip
"""What a Korean word of one syllable may carry, lest it be taken for the beginning of any other."""


def plain(text: str) -> str:
    """Return a text in one spelling: lower case, without accents, wide letters made narrow."""
    text = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    return unicodedata.normalize("NFC", _MARKS.sub("", text)).translate(_ONE_SPELLING)


@dataclass(frozen=True)
class Sense:
    """One thing that a phrase may mean: the section of the table that has it, and how English says it."""

    section: str
    english: str


@dataclass
class _Node:
    """A place in a tree of phrases: what may follow as whole words, as beginnings of words, and what ends here."""

    whole: dict[str, "_Node"] = field(default_factory=dict)
    stems: dict[str, "_Node"] = field(default_factory=dict)
    senses: list[Sense] = field(default_factory=list)


@dataclass(frozen=True)
class Language:
    """One language's table and the few rules that its writing needs.

    `joined`: words are not set apart. `after`: "without" comes after its noun. `adjectives_after`: so do
    adjectives. `endings`: letters of particles that any word may carry. `prefixes`: what is written onto words.
    """

    code: str
    name: str
    joined: bool
    after: bool
    adjectives_after: bool
    endings: int
    prefixes: tuple[str, ...]
    root: _Node
    longest: int

    def find(self, words: Sequence[str], place: int) -> tuple[int, list[Sense]]:
        """Return where the longest phrase from `place` on ends, and what it may mean; (`place`, []) for none.

        `words` are the words of a text in their `plain` spelling, or its characters where words are joined.
        """
        best = (place, list[Sense]())
        waiting = [(self.root, place)]
        while waiting:
            node, stop = waiting.pop()
            if node.senses and stop > best[0]:
                best = (stop, node.senses)
            if stop < len(words) and stop - place < self.longest:
                waiting += [(child, stop + 1) for child in self._children(node, words[stop])]
        return best

    def knows(self, word: str) -> bool:
        """Say whether a single word means something."""
        return bool(self.find([word], 0)[1])

    def _children(self, node: _Node, word: str) -> Iterator[_Node]:
        """Yield what follows a word, the best reading of it last."""
        if self.joined:
            if (child := node.whole.get(word)) is not None:
                yield child
            return
        forms = [word, *self._bare(word)]
        for form in reversed(forms):
            for size in range(1, min(len(form), 20) + 1):
                if (child := node.stems.get(form[:size])) is not None and self._may_end(form, size, child):
                    yield child
            if (child := node.whole.get(form)) is not None:
                yield child

    def _bare(self, word: str) -> list[str]:
        """Return a word without what is written onto it, the longest prefix first."""
        return [word[len(p) :] for p in self.prefixes if word.startswith(p) and len(word) - len(p) > 1]

    def _may_end(self, word: str, size: int, child: _Node) -> bool:
        if not self.endings:
            return True
        if size == 1 and not any(sense.section in ("action", "number") for sense in child.senses):
            return word[size:] in _PARTICLES
        return len(word) - size <= self.endings


@runtime_checkable
class PageNames(Protocol):
    """What the pages of a memory are called in each language."""

    def phrases(self, code: str) -> Mapping[str, str]:
        """Return the pages' names in a language, in their plain spelling, with what they are in English."""
        ...

    def english_words(self) -> frozenset[str]:
        """Return every word that the English names are made of."""
        ...


@cache
def language(code: str, names: PageNames | None = None) -> Language:
    """Return a language by its code, one of `NAMES`; with `names` it also knows those of all pages."""
    folder = files("vitascope.toybox.language").joinpath("languages")
    table = tomllib.loads(folder.joinpath(f"{code}.toml").read_text("utf-8"))
    rules = table.pop("language")
    joined = rules.get("joined", False)
    root = _Node()
    longest = 1
    pages = names.phrases(code) if names else {}
    ordered = sorted(pages)
    for section, phrases in table.items():
        for english, words in phrases.items():
            for phrase in filter(None, words.split(", ")):
                if section == "subject":
                    english = _page_of(phrase, pages, ordered) or english
                longest = max(longest, _learn(root, phrase, Sense(section, english), rules))
    for english, words in _nouns().get(code, {}).items():
        for phrase in words:
            longest = max(longest, _learn(root, _stemmed(phrase, rules), Sense("subject", english), rules))
    taken, stems = _elsewhere(table)
    for phrase, english in pages.items():
        if not ({phrase, phrase[:-1]} & stems or phrase in taken):
            longest = max(longest, _learn(root, _stemmed(phrase, rules), Sense("subject", english), rules))
    return Language(
        code,
        NAMES[code],
        joined,
        rules.get("after", False),
        rules.get("adjectives", "") == "after",
        rules.get("endings", 0),
        tuple(rules.get("prefixes", "").split()),
        root,
        longest,
    )


def _learn(root: _Node, phrase: str, sense: Sense, rules: Mapping[str, Any]) -> int:
    """Put a phrase into the tree and return how many words it has; what is there already comes first."""
    joined, open_end = rules.get("joined", False), bool(rules.get("endings"))
    words = list(plain(phrase).replace(" ", "")) if joined else plain(phrase).replace("-", " ").split()
    node = root
    for word in words:
        is_stem = word.endswith("*") or open_end
        node = (node.stems if is_stem else node.whole).setdefault(word.removesuffix("*"), _Node())
    if sense.section not in {known.section for known in node.senses}:
        node.senses.append(sense)
    return len(words)


def _stemmed(noun: str, rules: Mapping[str, Any]) -> str:
    """Return a noun from a dictionary so that its other forms are met too: "gatto" as "gatt*"."""
    if rules.get("joined") or not rules.get("tail") or len(noun) < 4:
        return noun
    stem = noun.rstrip(rules["trim"]) if rules["trim"] else noun
    return (stem if len(stem) > 3 else noun) + "*"


@cache
def _nouns() -> dict[str, dict[str, list[str]]]:
    """Return language -> English noun -> words, as `training/keywords.py` gathered them."""
    return json.loads(
        files("vitascope.toybox.language").joinpath("languages", "nouns.json").read_text("utf-8")
    )


def _elsewhere(table: Mapping[str, Mapping[str, str]]) -> tuple[frozenset[str], frozenset[str]]:
    """Return the words, and the beginnings of words, that a table has for what is no subject: places, times …"""
    words = {
        plain(word)
        for section, rows in table.items()
        if section != "subject"
        for said in rows.values()
        for word in said.split(", ")
    }
    stems = frozenset(word[:-1] for word in words if word.endswith("*") and len(word) > 3)
    return frozenset(word for word in words if not word.endswith("*")), stems


def _page_of(phrase: str, pages: Mapping[str, str], ordered: Sequence[str]) -> str | None:
    """Return the English name of the page that a table's word means: "медвед*" is the bear, where there is one."""
    word = plain(phrase)
    if not word.endswith("*"):
        return pages.get(word)
    stem = word.removesuffix("*")
    names = ordered[bisect_left(ordered, stem) : bisect_left(ordered, stem + "\uffff")]
    longer = [name for name in names if len(name) - len(stem) <= 2]
    return pages[min(longer, key=len)] if longer else None


def simplified(text: str) -> str:
    """Return a Chinese text with its common traditional letters in their simplified form."""
    return text.translate(_TRADITIONAL)
