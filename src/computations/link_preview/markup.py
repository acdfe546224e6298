"""One pass over the markup of a page, for the few elements that say what the page is about.

There is no tree: that of 2,000,000 hostile bytes takes 300 MB. What is kept is bounded by the names
that are asked for, and by the JSON-LD.
"""

from collections.abc import Collection
from dataclasses import dataclass, field

from justhtml import stream

Attributes = dict[str, str | None]

RELATIONS = ("canonical", "icon", "apple-touch-icon", "image_src")
OEMBED_TYPE = "application/json+oembed"
STATED = ("content", "datetime", "src", "href")
"""Where an element with `itemprop` has its value; without any of them, that is its text."""
WITHOUT_TEXT = {"base", "embed", "img", "input", "link", "meta", "source", "track"}
ENDED_BY_THE_NEXT = {"dd", "dt", "li", "option", "p", "td", "th"}


@dataclass(slots=True)
class Passage:
    """The text of an element."""

    element: str
    open: int = 1
    """How many elements of its name are open, itself included; 0 when it has ended."""
    parts: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(self.parts)

    def starts(self, name: str) -> None:
        if name == self.element:
            self.open = 0 if name in ENDED_BY_THE_NEXT else self.open + 1

    def ends(self, name: str) -> None:
        if name == self.element:
            self.open -= 1


class Markup:
    """What a page has of the elements that are of interest; where there are two, the first."""

    def __init__(self, html: str, items: Collection[str]) -> None:
        """`items` are the names of microdata that are of interest."""
        self.metas: dict[str, str] = {}
        self.links: dict[str, str] = {}
        """Addresses by relation, and that of the page's oEmbed by its media type."""
        self.base = self.language = ""
        self.headings: dict[str, Passage] = {}
        self.json_ld: list[Passage] = []
        self.items: dict[str, str | Passage] = {}
        self._wanted = items
        self._open: list[Passage] = []
        self._drawings = 0
        """How many `svg` are open: a drawing has a title of its own."""
        for event in stream(html):
            match event:
                case "start", (name, attributes):
                    self._start(name, attributes)
                case "end", str(name):
                    self._end(name)
                case "text", str(text):
                    for passage in self._open:
                        passage.parts.append(text)

    def _start(self, name: str, attributes: Attributes) -> None:
        for passage in self._open:
            passage.starts(name)
        self._forget_ended()
        self._note(name, attributes)
        self._listen(name, attributes)

    def _note(self, name: str, attributes: Attributes) -> None:
        """What attributes say."""
        match name:
            case "meta":
                self._meta(attributes)
            case "link":
                self._link(attributes)
            case "base":
                self.base = self.base or attributes.get("href") or ""
            case "html":
                self.language = self.language or attributes.get("lang") or ""

    def _listen(self, name: str, attributes: Attributes) -> None:
        """What the text to come says."""
        match name:
            case "svg":
                self._drawings += 1
            case "title" | "h1" if name not in self.headings and not self._drawings:
                self.headings[name] = self._passage(name)
            case "script" if attributes.get("type") == "application/ld+json":
                self.json_ld.append(self._passage(name))
        if "itemprop" in attributes:
            self._item(name, attributes)

    def _end(self, name: str) -> None:
        for passage in self._open:
            passage.ends(name)
        self._forget_ended()
        if name == "svg":
            self._drawings = max(0, self._drawings - 1)

    def _forget_ended(self) -> None:
        if not all(passage.open for passage in self._open):
            self._open = [passage for passage in self._open if passage.open]

    def _passage(self, name: str) -> Passage:
        passage = Passage(name)
        self._open.append(passage)
        return passage

    def _meta(self, attributes: Attributes) -> None:
        name = attributes.get("property") or attributes.get("name") or ""
        content = attributes.get("content") or ""
        if content.strip():
            self.metas.setdefault(name.strip().lower(), content)

    def _link(self, attributes: Attributes) -> None:
        if not (href := attributes.get("href")):
            return
        for relation in set(RELATIONS).intersection((attributes.get("rel") or "").lower().split()):
            self.links.setdefault(relation, href)
        if (attributes.get("type") or "").lower() == OEMBED_TYPE:
            self.links.setdefault(OEMBED_TYPE, href)

    def _item(self, name: str, attributes: Attributes) -> None:
        stated = next((value for each in STATED if (value := attributes.get(each))), "")
        for item in (attributes.get("itemprop") or "").split():
            if item in self._wanted and item not in self.items:
                has_text = not stated and name not in WITHOUT_TEXT
                self.items[item] = self._passage(name) if has_text else stated
