"""The few elements of a page that say what it is about, found in one walk through its tree."""

from collections.abc import Collection, Iterator

from justhtml import Element, JustHTML

Attributes = dict[str, str | None]

RELATIONS = {"canonical", "icon", "apple-touch-icon", "image_src"}
OEMBED_TYPE = "application/json+oembed"
JSON_LD_TYPE = "application/ld+json"
STATED = ("content", "datetime", "src", "href")
"""Where an element with `itemprop` has its value; without any of them, that is its text."""


class Markup:
    """What a page has of the elements that are of interest; where there are two, the first."""

    def __init__(self, html: str, items: Collection[str]) -> None:
        """`items` are the names of microdata that are of interest."""
        self.metas: dict[str, str] = {}
        self.links: dict[str, str] = {}
        """Addresses by relation, and that of the page's oEmbed by its media type."""
        self.base = self.language = ""
        self.headings: dict[str, str] = {}
        self.json_ld: list[str] = []
        self.items: dict[str, str] = {}
        self._wanted = items
        for element in _elements(JustHTML(html, sanitize=False)):
            self._note(element, element.attrs or {})

    def _note(self, element: Element, attributes: Attributes) -> None:
        match element.name:
            case "meta":
                self._meta(attributes)
            case "link":
                self._link(attributes)
            case "base":
                self.base = self.base or attributes.get("href") or ""
            case "html":
                self.language = self.language or attributes.get("lang") or ""
            case "title" | "h1":
                self._heading(element)
            case "script" if attributes.get("type") == JSON_LD_TYPE:
                self.json_ld.append(element.to_text())
        if "itemprop" in attributes:
            self._item(element, attributes)

    def _meta(self, attributes: Attributes) -> None:
        name = attributes.get("property") or attributes.get("name") or ""
        content = attributes.get("content") or ""
        if content.strip():
            self.metas.setdefault(name.strip().lower(), content)

    def _link(self, attributes: Attributes) -> None:
        if not (href := attributes.get("href")):
            return
        for relation in RELATIONS.intersection((attributes.get("rel") or "").lower().split()):
            self.links.setdefault(relation, href)
        if attributes.get("type") == OEMBED_TYPE:
            self.links.setdefault(OEMBED_TYPE, href)

    def _heading(self, element: Element) -> None:
        is_of_a_drawing = element.namespace == "svg"
        if element.name not in self.headings and not is_of_a_drawing:
            self.headings[element.name] = element.to_text()

    def _item(self, element: Element, attributes: Attributes) -> None:
        stated = next((value for each in STATED if (value := attributes.get(each))), "")
        for item in (attributes.get("itemprop") or "").split():
            if item in self._wanted and item not in self.items:
                self.items[item] = stated or element.to_text()


def _elements(document: JustHTML) -> Iterator[Element]:
    """In the order of the document."""
    waiting = [document.root]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Element):
            yield node
        waiting += reversed(node.children or ())
