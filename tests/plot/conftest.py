"""Reading pictures back."""

import xml.etree.ElementTree as ET

import pytest


@pytest.fixture
def parse():
    """Parse a picture as XML, which is stricter than a page is, and list its elements by class."""

    def read(svg: str) -> dict[str, list[ET.Element]]:
        found: dict[str, list[ET.Element]] = {}
        for element in ET.fromstring(svg).iter():
            name = element.tag.rpartition("}")[2]
            for key in {name, *element.get("class", "").split()}:
                found.setdefault(key, []).append(element)
        return found

    return read
