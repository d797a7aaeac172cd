"""Contact sheets of the collection."""

from house_collection import products
from house_collection.sheets import LIMIT, one_per_style, save, sheet


def test_a_contact_sheet_shows_one_product_of_each_style_in_a_small_file(tmp_path):
    items = one_per_style(products(100), 6)
    assert len({p.style for p in items}) == 6
    page = sheet([p.draw((96, 128)) for p in items], columns=3, width=48, captions=list("abcdef"))
    assert page.size == (144, 2 * (64 + 18))
    save(page, tmp_path / "page.jpg")
    assert 0 < (tmp_path / "page.jpg").stat().st_size <= LIMIT
