"""The static site."""

from html.parser import HTMLParser

from stationary import atlas


class Reader(HTMLParser):
    """Links, sources and visible text of a page."""

    def __init__(self, html):
        super().__init__()
        self.links, self.sources, self.text, self.tags = [], [], "", []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name == "href"]
        self.sources += [value for name, value in attrs if name == "src"]

    def handle_data(self, data):
        self.text += data


def pages(folder):
    return {path.name: Reader(path.read_text(encoding="utf-8")) for path in folder.glob("*.html")}


def test_site_shows_claims_and_verdicts_and_escapes_everything(toy, tmp_path):
    atlas.save(atlas.run(999, scale="laptop", seed=3))
    assert atlas.site(tmp_path / "site") == tmp_path / "site" / "index.html"
    found = pages(tmp_path / "site")
    assert set(found) == {"index.html", "999.html"}
    page = found["999.html"]
    assert "script" not in page.tags and page.sources == []
    for words in (
        "On <toys> & tests",
        "fails <b>",
        "✗ not reproduced",
        "✓ holds",
        "– not measured at this scale",
        "The interval is too wide.",
        "3 (-3.572 to 9.572, 3 runs)",
        "A <figure>",
        "x & y",
        "seed 3 <script>alert(1)</script>",
        "stationary atlas run 999 --scale laptop --seed 3",
    ):
        assert words in page.text, words
    assert "https://arxiv.org/abs/0000.00000" in page.links


def test_site_without_a_record_says_so(toy, tmp_path):
    atlas.site(tmp_path / "site")
    page = pages(tmp_path / "site")["999.html"]
    assert "There is no result of record yet." in page.text
    assert "✓ holds" not in page.text


def test_links_between_the_pages_of_the_real_atlas_resolve(tmp_path):
    atlas.site(tmp_path)
    found = pages(tmp_path)
    assert len(found) == len(atlas.papers()) + 1
    for page in found.values():
        for link in page.links:
            assert link.startswith("https://arxiv.org/abs/") or link in found
