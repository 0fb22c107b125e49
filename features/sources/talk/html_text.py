"""HTML as plain text: one line a block, with quoted messages behind ``>`` as plain mail has them."""

from __future__ import annotations

import warnings
from typing import Final

from bs4 import BeautifulSoup, MarkupResemblesLocatorWarning, Tag, XMLParsedAsHTMLWarning
from bs4.element import NavigableString, PreformattedString

__all__ = ["text_of_html"]

_BLOCKS: Final = frozenset(
    (
        *("address", "article", "blockquote", "body", "center", "dd", "div", "dl", "dt", "fieldset", "footer", "form"),
        *("h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "ol", "p", "pre", "section", "table"),
        *("tbody", "td", "th", "tr", "ul"),
    )
)
_SPACED: Final = frozenset(("p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "table", "blockquote"))
_UNSEEN: Final = frozenset(("script", "style", "head", "title", "template", "noscript", "svg", "object", "iframe"))
_QUOTES: Final = frozenset(
    ("gmail_quote", "gmail_quote_container", "yahoo_quoted", "protonmail_quote", "zmail_extra", "tutanota_quote")
)
_QUOTE_IDS: Final = frozenset(("OLK_SRC_BODY_SECTION", "divRplyFwdMsg", "appendonsend", "replySplit", "stopSpelling"))
_FROM_HERE: Final = frozenset(("divRplyFwdMsg", "appendonsend", "stopSpelling"))
_MOST_NODES: Final = 200_000


def text_of_html(markup: str) -> str:
    """The text that a reader sees, blanks collapsed, ``> `` before lines of quoted messages.

    Quoted is what stands in a ``blockquote`` or a container that a known mail program puts around the message it
    answers, and what follows the marks that Outlook sets before it. Nested quotes have one ``> `` only.

    Raises ``ValueError`` when there are more than 200,000 elements and texts.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MarkupResemblesLocatorWarning)
        warnings.simplefilter("ignore", XMLParsedAsHTMLWarning)
        soup = BeautifulSoup(markup, "lxml")  # linear also on damaged markup, and expands no entity it does not know
    writer = _Writer()
    # A stack in place of recursion: mail may be nested deeper than Python's calls.
    stack: list[tuple[object, bool]] = [(soup, False)]
    n_nodes = 0
    while stack:
        node, is_end = stack.pop()
        n_nodes += 1
        if n_nodes > _MOST_NODES:
            raise ValueError(f"HTML has more than {_MOST_NODES:,} parts")
        if isinstance(node, Tag):
            if is_end:
                writer.end(node)
            elif node.name not in _UNSEEN and not _is_hidden(node):
                writer.start(node)
                stack.append((node, True))
                stack += [(child, False) for child in reversed(node.contents)]
        elif isinstance(node, NavigableString) and not isinstance(node, PreformattedString):
            writer.say(str(node), keeps_lines=_in_pre(node))
    return writer.text()


class _Writer:
    """Lines as they come, each quoted or not."""

    def __init__(self) -> None:
        self.lines: list[tuple[bool, str]] = []
        self.words: list[str] = []
        self.depth = 0
        self.is_rest_quoted = False

    def start(self, tag: Tag) -> None:
        if tag.name in _BLOCKS or tag.name == "br":
            self.end_line(is_forced=tag.name == "br")
        if tag.name in _SPACED:
            self.blank()
        if str(tag.get("id", "")).removeprefix("x_") in _FROM_HERE:
            self.is_rest_quoted = True
        self.depth += _is_quote(tag)
        if tag.name == "li":
            self.words.append("- ")

    def end(self, tag: Tag) -> None:
        if tag.name in _BLOCKS:
            self.end_line()
        self.depth -= _is_quote(tag)
        if tag.name in _SPACED:
            self.blank()

    def say(self, text: str, *, keeps_lines: bool) -> None:
        for number, line in enumerate(text.split("\n") if keeps_lines else [text]):
            if number:
                self.end_line(is_forced=True)
            self.words.append(line)

    def end_line(self, *, is_forced: bool = False) -> None:
        raw = "".join(self.words)
        line = " ".join(raw.replace("\u200b", "").split())
        if line or is_forced:
            self.lines.append((self._is_quoted, line))
        self.words = []

    def blank(self) -> None:
        if self.lines and self.lines[-1][1]:
            self.lines.append((self._is_quoted, ""))

    def text(self) -> str:
        self.end_line()
        return "\n".join(f"> {line}" if is_quoted and line else line for is_quoted, line in self.lines).strip("\n")

    @property
    def _is_quoted(self) -> bool:
        return self.depth > 0 or self.is_rest_quoted


def _is_quote(tag: Tag) -> bool:
    if tag.name == "blockquote":
        return True
    classes = tag.get("class")
    names = set(classes if isinstance(classes, list) else str(classes or "").split())
    return bool(names & _QUOTES) or str(tag.get("id", "")).removeprefix("x_") in _QUOTE_IDS


def _is_hidden(tag: Tag) -> bool:
    style = str(tag.get("style", "")).replace(" ", "").lower()
    return "display:none" in style or "mso-hide:all" in style


def _in_pre(node: NavigableString) -> bool:
    return node.parent is not None and node.parent.name == "pre"
