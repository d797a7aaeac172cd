"""Catalogues as shops export them: each kind of fault, and what is right for it."""

from __future__ import annotations

import base64
import io
import json
import os
import unicodedata

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from lookbook.catalog import CatalogError, Columns, open_catalog
from lookbook.catalog.report import CatalogReport


def png(number=0):
    out = io.BytesIO()
    Image.new("RGB", (12, 14), (number * 40 % 256, 90, 30)).save(out, "PNG")
    return out.getvalue()


def shop(folder, table=None, pictures=(), name="metadata.csv", encoding="utf-8"):
    for number, picture in enumerate(pictures):
        (folder / picture).parent.mkdir(parents=True, exist_ok=True)
        (folder / picture).write_bytes(png(number))
    if table is not None:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(table.encode(encoding))
    return str(folder)


def read(dataset, **options):
    catalog = open_catalog(str(dataset), **options)
    return catalog, {item.id: item for item in catalog}


def column(items, name):
    return [item.attributes[name] for item in items.values()]


def said(catalog):
    return " | ".join(catalog.notes)


ABC = ("0.jpg", "1.jpg", "2.jpg")


# tables are read strictly


def test_a_row_with_too_many_cells_is_named_and_nothing_is_shifted(tmp_path):
    table = (
        "file_name,kind,title,price\n"
        "0.jpg,Shoes,Black shoes,40.50\n"
        "1.jpg,Dresses,Multi dress, pack of 3,41.50\n"
        "2.jpg,Bags,Red bag,42.50\n"
    )
    catalog, items = read(shop(tmp_path, table, ABC))
    assert column(items, "price") == [40.5, None, 42.5]
    assert column(items, "kind") == ["Shoes", None, "Bags"]
    assert items["1.jpg"].title == "1", "its picture stays, without words"
    [refused] = catalog.rejected
    assert (refused.line, refused.reason) == (3, "too many cells")
    assert "expected 4 cells divided by commas, found 5" in refused.sentence


def test_a_row_with_too_few_cells_is_named(tmp_path):
    table = "file_name,kind,title,price\n0.jpg,Men,Shirt,10\n1.jpg,Shirt,20\n2.jpg,Women,Dress,30\n"
    catalog, items = read(shop(tmp_path, table, ABC))
    assert column(items, "kind") == ["Men", None, "Women"]
    assert column(items, "price") == [10, None, 30]
    assert [(r.line, r.reason) for r in catalog.rejected] == [(3, "too few cells")]


def test_empty_cells_behind_the_header_are_no_fault(tmp_path):
    catalog, items = read(shop(tmp_path, "file_name,title,\n0.jpg,A,\n1.jpg,B,,\n", ABC[:2]))
    assert [i.title for i in items.values()] == ["A", "B"] and not catalog.rejected


@pytest.mark.parametrize("mark", [";", ",", "\t", "|"])
def test_the_line_of_excel_tells_the_divider(tmp_path, mark):
    rows = [
        ["file_name", "title", "price"],
        ["0.jpg", "Überrock é", '"12,50"'],
        ["1.jpg", "B", "9"],
    ]
    table = f"sep={mark}\r\n" + "\r\n".join(mark.join(row) for row in rows)
    _, items = read(shop(tmp_path, table, ABC[:2]))
    assert [i.title for i in items.values()] == ["Überrock é", "B"]
    assert column(items, "price") == [12.5, 9.0]


def test_spaces_around_headers_and_values_are_no_part_of_them(tmp_path):
    table = 'file_name, title, Colour ,Price \n0.jpg, "A, b", navy , 10.50\n 1.jpg ,C,red,11\n'
    catalog, items = read(shop(tmp_path, table, ABC[:2]))
    assert catalog.roles.title == "title" and catalog.roles.price == "Price"
    assert [i.title for i in items.values()] == ["A, b", "C"]
    assert column(items, "Colour") == ["navy", "red"] and column(items, "Price") == [10.5, 11.0]


def test_quotes_inside_a_cell_are_read_as_they_stand_or_named(tmp_path):
    table = 'file_name,title,price\n0.jpg,"Anna" bag,20\n1.jpg,"Mara,30\n2.jpg,5" heel,40\n'
    catalog, items = read(shop(tmp_path, table, ABC))
    assert [i.title for i in items.values()] == ['"Anna" bag', "1", '5" heel']
    assert [(r.line, r.reason) for r in catalog.rejected] == [(3, "quotes")]
    assert "line 2: quotes inside a cell" in said(catalog)


def test_a_quote_that_is_never_closed_costs_its_line_only(tmp_path):
    table = 'file_name,title\n0.jpg,"open\n1.jpg,B\n2.jpg,"two\nlines"\n'
    catalog, items = read(shop(tmp_path, table, ABC))
    assert [i.title for i in items.values()] == ["0", "B", "two lines"]
    assert [r.line for r in catalog.rejected] == [2]


def test_a_cell_beyond_the_limit_is_named(tmp_path):
    table = f"file_name,title\n0.jpg,{'long words ' * 120_000}\n1.jpg,B\n"
    catalog, items = read(shop(tmp_path, table, ABC[:2]))
    assert items["1.jpg"].title == "B"
    assert [(r.line, r.reason) for r in catalog.rejected] == [(2, "cell too long")]


def test_a_doubled_header_keeps_both_columns(tmp_path):
    table = "file_name,title,tag,tag,tag_2\n0.jpg,A,red,sale,x\n1.jpg,B,blue,new,y\n"
    catalog, items = read(shop(tmp_path, table, ABC[:2]))
    assert items["0.jpg"].attributes == {"tag": "red", "tag_3": "sale", "tag_2": "x"}
    assert "line 1: the header 'tag' stands twice; the second is read as 'tag_3'" in said(catalog)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig"])
def test_other_encodings_are_read(tmp_path, encoding):
    table = "file_name;title;price\n0.jpg;Überrock é;12,50\n1.jpg;Gürtel;7\n"
    _, items = read(shop(tmp_path, table, ABC[:2], encoding=encoding))
    assert [i.title for i in items.values()] == ["Überrock é", "Gürtel"]


def test_cp1252_is_read_with_a_note(tmp_path):
    catalog, items = read(
        shop(tmp_path, "file_name,title\n0.jpg,Größe\n", ABC[:1], encoding="cp1252")
    )
    assert items["0.jpg"].title == "Größe"
    assert "not UTF-8 (line 2), read as Windows cp1252" in said(catalog)


def test_a_json_line_without_its_picture_is_named_and_the_rest_is_read(tmp_path):
    table = '{"file_name": "0.jpg", "title": "a"}\n{"title": "none", "price": 3}\n{broken\n[1]\n'
    table += '{"file_name": "2.jpg", "title": "c"}\n'
    catalog, items = read(shop(tmp_path, table, ("0.jpg", "2.jpg"), "metadata.jsonl"))
    assert [i.title for i in items.values()] == ["a", "c"]
    reasons = {r.line: r.reason for r in catalog.rejected}
    assert reasons == {2: "missing", 3: "not JSON", 4: "not an object"}
    assert all(f"line {r.line}" in r.sentence for r in catalog.rejected)


@pytest.mark.parametrize("wrapped", [False, True])
def test_json_arrays_are_read(tmp_path, wrapped):
    rows = [{"file_name": "0.jpg", "title": "a"}, {"file_name": "1.jpg", "title": "b"}]
    text = json.dumps({"products": rows} if wrapped else rows)
    _, items = read(shop(tmp_path, text, ABC[:2], "metadata.json"))
    assert [i.title for i in items.values()] == ["a", "b"]


def test_tsv_and_excel_are_read(tmp_path):
    from openpyxl import Workbook

    _, items = read(
        shop(tmp_path / "t", "file_name\ttitle\n0.jpg\tA, b\n", ABC[:1], "metadata.tsv")
    )
    assert items["0.jpg"].title == "A, b"
    book = Workbook()
    for row in (["file_name", " title ", "price"], ["0.jpg", "Ä", 12.5], [], ["1.jpg", "B", None]):
        book.active.append(row)
    shop(tmp_path / "x", pictures=ABC[:2])
    book.save(tmp_path / "x" / "metadata.xlsx")
    _, items = read(tmp_path / "x")
    assert [i.title for i in items.values()] == ["Ä", "B"]
    assert column(items, "price") == [12.5, None]


def test_a_damaged_workbook_is_one_sentence(tmp_path):
    shop(tmp_path, pictures=ABC)
    (tmp_path / "metadata.xlsx").write_bytes(b"PK\3\4 not a workbook")
    with pytest.raises(CatalogError, match=r"metadata.xlsx: not an Excel file"):
        open_catalog(str(tmp_path))


def test_the_one_table_that_names_the_pictures_is_read_by_id(tmp_path):
    table = "id,gender,productDisplayName\n12871,Men,Black shoes\n57035,Women,Dress\n"
    shop(tmp_path, table, ("images/12871.jpg", "images/57035.jpg"), "styles.csv")
    (tmp_path / "purchases.csv").write_text("customer,day\na,2020-01-01\n")
    catalog, items = read(tmp_path)
    assert {i: v.title for i, v in items.items()} == {"12871": "Black shoes", "57035": "Dress"}
    assert column(items, "gender") == ["Men", "Women"]
    assert "styles.csv is read: its column 'id' names the pictures" in said(catalog)
    assert "purchases.csv is not read: no column of it names these pictures" in said(catalog)


# pictures and rows meet


@pytest.mark.parametrize(
    ("written", "file"),
    [
        ("photos\\bag 0.jpg", "photos/bag 0.jpg"),
        (".\\photos\\bag 0.jpg", "photos/bag 0.jpg"),
        ("./photos//bag 0.jpg", "photos/bag 0.jpg"),
        ("/photos/bag 0.jpg", "photos/bag 0.jpg"),
        ("PHOTOS/Bag 0.JPG", "photos/bag 0.jpg"),
        ("photos/bag%200.jpg", "photos/bag 0.jpg"),
        ("photos/bag 0", "photos/bag 0.jpg"),
        ("bag 0", "photos/bag 0.jpg"),
        ("bag 0.jpg", "photos/bag 0.jpg"),
        ("C:\\Users\\Anna\\shop\\photos\\bag 0.jpg", "photos/bag 0.jpg"),
        ("/home/anna/shop/bag 0.jpg", "photos/bag 0.jpg"),
        (unicodedata.normalize("NFD", "Übergröße é.jpg"), "Übergröße é.jpg"),
        (unicodedata.normalize("NFC", "été.jpg"), unicodedata.normalize("NFD", "été.jpg")),
    ],
)
def test_a_picture_is_found_in_spite_of_how_it_is_written(tmp_path, written, file):
    names = ("photos/bag 0.jpg", "Übergröße é.jpg", unicodedata.normalize("NFD", "été.jpg"))
    shop(tmp_path, pictures=names)
    rows = [{"file_name": written, "title": "found"}]
    (tmp_path / "metadata.jsonl").write_text("\n".join(map(json.dumps, rows)))
    catalog, items = read(tmp_path)
    assert [i.title for i in items.values()].count("found") == 1 and len(items) == 3
    assert next(i for i in items.values() if i.title == "found").image == tmp_path / file
    assert not catalog.rejected
    if written != file:
        assert "1 names of pictures are matched in spite of how they are written" in said(catalog)


def test_where_several_files_fit_they_are_named(tmp_path):
    table = "file_name,title\nx/0.jpg,A\n0.jpg,Which?\nb/1.jpg,C\n"
    catalog, _ = read(shop(tmp_path, table, ("x/0.jpg", "b/0.jpg", "b/1.jpg")))
    [refused] = catalog.rejected
    assert (refused.reason, refused.line) == ("ambiguous", 3)
    assert "'b/0.jpg', 'x/0.jpg'" in refused.sentence


def test_a_longer_end_of_the_path_decides(tmp_path):
    table = "file_name,title\nD:\\shop\\red\\0.jpg,Red\nD:\\shop\\blue\\0.jpg,Blue\n"
    _, items = read(shop(tmp_path, table, ("red/0.jpg", "blue/0.jpg")))
    assert items["red/0.jpg"].title == "Red" and items["blue/0.jpg"].title == "Blue"


def test_when_most_lines_find_no_picture_it_stops_with_the_first_three(tmp_path):
    rows = "".join(f"shirt-{n}.jpg,T{n}\n" for n in range(5))
    shop(tmp_path, f"file_name,title\n{rows}0.jpg,X\n", ("0.jpg", "shirt_2.jpg"))
    with pytest.raises(CatalogError) as caught:
        open_catalog(str(tmp_path))
    text = str(caught.value)
    assert "5 of the 6 lines that name a picture find none" in text
    assert text.count("line ") == 3 and "line 2: The file 'shirt-0.jpg' is not there" in text
    assert "the nearest is 'shirt_2.jpg'" in text


def test_two_tables_that_name_one_picture_do_not_double_it(tmp_path):
    shop(
        tmp_path,
        "file_name,title\n1.jpg,A one\n2.jpg,A two\n",
        ("a/1.jpg", "a/2.jpg"),
        "a/metadata.csv",
    )
    shop(tmp_path, "file_name,title,price\na/1.jpg,Root,5\nb/1.jpg,Root B,6\n", ("b/1.jpg",))
    catalog, items = read(tmp_path)
    assert {i: v.title for i, v in items.items()} == {
        "a/1.jpg": "A one",
        "a/2.jpg": "A two",
        "b/1.jpg": "Root B",
    }
    assert items["a/1.jpg"].attributes["price"] == 5, "what the nearer leaves out is kept"
    assert "1 pictures are named by several tables" in said(catalog)


def test_links_and_folders_that_cannot_be_read_are_named(tmp_path, monkeypatch):
    shop(tmp_path, pictures=("in/0.jpg", "closed/1.jpg", "2.jpg"))
    (tmp_path / "linked").symlink_to(tmp_path / "in")
    scan = os.scandir

    def refusing(path):
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refusing)
    catalog, items = read(tmp_path)
    assert sorted(items) == ["2.jpg", "in/0.jpg"]
    assert "the folder 'linked' is a link: left out" in said(catalog)
    assert "the folder 'closed' cannot be read: Permission denied" in said(catalog)


def test_pictures_beside_a_table_that_no_row_names_are_counted_and_the_first_named(tmp_path):
    pictures = [f"{n}.jpg" for n in range(9)]
    catalog, items = read(shop(tmp_path, "file_name,title\n0.jpg,Bag\n8.jpg,Hat\n", pictures))
    assert len(items) == 9
    [note] = [n for n in catalog.notes if "in no row" in n]
    assert note == (
        "7 pictures are in no row of metadata.csv, indexed under the file's name: "
        "'1.jpg', '2.jpg', '3.jpg', '4.jpg', '5.jpg', 2 more"
    )
    assert f"note: {note}" in CatalogReport.of(catalog).head()


@pytest.mark.parametrize("table", [None, "file_name,title\n0.jpg,Bag\n1.jpg,Hat\n2.jpg,Scarf\n"])
def test_without_a_table_or_with_a_row_for_each_picture_none_is_named(tmp_path, table):
    catalog, items = read(shop(tmp_path, table, ABC))
    assert len(items) == 3 and "in no row" not in said(catalog)


def test_a_further_photo_of_a_row_is_not_an_item_of_its_own(tmp_path):
    rows = [{"file_name": ["0.jpg", "1.jpg"], "id": "a"}, {"file_name": "2.jpg", "id": "b"}]
    table = "\n".join(map(json.dumps, rows))
    catalog, items = read(shop(tmp_path, table, ABC, name="metadata.jsonl"))
    assert [*items] == ["a", "b"] and "in no row" not in said(catalog)
    assert [photo().name for photo in items["a"].photos] == ["1.jpg"]


# columns mean what they say


def table_of(header, rows):
    return "\n".join([header, *(",".join(map(str, row)) for row in rows)]) + "\n"


SIX = tuple(f"{n}.jpg" for n in range(6))


def test_a_style_id_with_repeats_groups_and_is_no_id(tmp_path):
    rows = [(f"{n}.jpg", f"Piece {n}", "red", 10 + n, f"ST{n // 3}") for n in range(6)]
    catalog, items = read(
        shop(tmp_path, table_of("file_name,title,colour,price,style_id", rows), SIX)
    )
    assert catalog.roles.id is None and catalog.roles.group == "style_id"
    assert list(items) == list(SIX)
    assert column(items, "style_id") == ["ST0"] * 3 + ["ST1"] * 3


@pytest.mark.parametrize("group", ["product_id", "item_group_id", "parent_asin", "Handle"])
def test_the_unique_column_is_the_id_and_the_shared_one_the_group(tmp_path, group):
    rows = [(f"{n}.jpg", f"S{n}", f"PR{n // 3}", f"Piece {n}", 10 + n) for n in range(6)]
    catalog, items = read(shop(tmp_path, table_of(f"file_name,sku,{group},title,price", rows), SIX))
    assert (catalog.roles.id, catalog.roles.group) == ("sku", group)
    assert list(items) == [f"S{n}" for n in range(6)]
    assert catalog.source["columns"]["group"] == group


def test_columns_of_group_and_price_can_be_named(tmp_path):
    rows = [(f"{n}.jpg", f"{n % 2}", 5 + n, 50 + n) for n in range(6)]
    given = Columns(group="set", price="vk")
    catalog, _ = read(shop(tmp_path, table_of("file_name,set,price,vk", rows), SIX), columns=given)
    assert (catalog.roles.group, catalog.roles.price) == ("set", "vk")
    assert catalog.source["columns"] == {"price": "vk", "group": "set"}
    with pytest.raises(CatalogError, match="no column 'nothing'"):
        open_catalog(str(tmp_path), columns=Columns(price="nothing"))


def test_doubled_ids_are_counted_and_never_take_the_id_of_another(tmp_path):
    rows = [(f"{n}.jpg", id) for n, id in enumerate(["a", "a", "a-2", "b", "", "4.jpg"])]
    catalog, items = read(shop(tmp_path, table_of("file_name,id", rows), SIX))
    assert list(items) == ["a", "a-3", "a-2", "b", "4.jpg-2", "4.jpg"]
    assert "1 ids of the column 'id' stand twice or more" in said(catalog)
    assert "1 rows have no id in the column 'id'" in said(catalog)


def test_several_photos_of_one_product_are_one_item(tmp_path):
    rows = [
        (f"p{p}_{n}.jpg", f"p{p}_{n}", f"P{p}", f"Product {p}", "black", 10 + p)
        for p in range(3)
        for n in range(3)
    ]
    table = table_of("file_name,image_id,style_id,title,colour,price", rows)
    catalog, items = read(shop(tmp_path, table, [row[0] for row in rows]))
    assert list(items) == ["P0", "P1", "P2"]
    assert [i.image.name for i in items.values()] == ["p0_0.jpg", "p1_0.jpg", "p2_0.jpg"]
    assert [photo().name for photo in items["P1"].photos] == ["p1_1.jpg", "p1_2.jpg"]
    assert "9 rows are the photos of 3 products, by the column 'style_id'" in said(catalog)


@pytest.mark.parametrize(
    ("others", "price"),
    [
        ({"cost_price": 4.0}, "price"),
        ({"compare_at_price": 40.0}, "price"),
        ({"price_stock": 7, "price_id": 3, "price_percent": 20}, "price"),
        ({"cost_price": 4.0, "old price": 9.0}, "Verkaufspreis"),
        ({"purchase_price": 1.0}, "prix"),
        ({"alis fiyati": 1.0}, "Satış fiyatı"),
        ({"discount_price_percent": 1.0}, "retail price"),
    ],
)
def test_the_price_is_what_a_customer_pays(tmp_path, others, price):
    rows = [(f"{n}.jpg", *(v + n for v in others.values()), 10.5 + n) for n in range(6)]
    catalog, _ = read(shop(tmp_path, table_of(",".join(["file_name", *others, price]), rows), SIX))
    assert catalog.roles.price == price


def test_a_sale_price_counts_where_it_is_lower(tmp_path):
    rows = [("0.jpg", "20.00", "15.00"), ("1.jpg", "20.00", ""), ("2.jpg", "20.00", "25.00")]
    catalog, items = read(shop(tmp_path, table_of("file_name,regular_price,sale_price", rows), ABC))
    assert catalog.roles.price == "price" and column(items, "price") == [15.0, 20.0, 20.0]
    assert column(items, "sale_price") == [15.0, None, 25.0], "what was there stays"


@pytest.mark.parametrize(
    ("cells", "amounts", "currency"),
    [
        (["€ 49,90", "€ 15,00", "€ 1.299"], [49.9, 15.0, 1299.0], "EUR"),
        (["$1,299.00", "$49.90", "$5"], [1299.0, 49.9, 5.0], "USD"),
        (["1.299", "49,90", "12"], [1299.0, 49.9, 12.0], None),
        (["49.90", "N/A", "7"], [49.9, None, 7.0], None),
        (["15.00 USD", "7.50 USD", "-"], [15.0, 7.5, None], "USD"),
        (["1'299.00", "5.00", "12.50"], [1299.0, 5.0, 12.5], None),
        (["Rs. 1,299", "Rs. 99", "Rs. 450"], [1299.0, 99.0, 450.0], "INR"),
        (["1 299,00 zł", "5,00 zł", "nan"], [1299.0, 5.0, None], "PLN"),
        (["CHF 1'299.-", "CHF 5.50", "CHF 49.–"], [1299.0, 5.5, 49.0], "CHF"),
        (["12.345 KWD", "3.500 KWD", "1.250 KWD"], [12.345, 3.5, 1.25], "KWD"),
    ],
)
def test_money_is_read_by_its_whole_column(tmp_path, cells, amounts, currency):
    rows = [(f"{n}.jpg", f'"{cell}"') for n, cell in enumerate(cells)]
    _, items = read(shop(tmp_path, table_of("file_name,price", rows), ABC))
    assert column(items, "price") == amounts
    if currency:
        known = [currency if a is not None else None for a in amounts]
        assert column(items, "currency") == known
    else:
        assert "currency" not in items["0.jpg"].attributes


def test_a_cell_that_is_no_amount_is_counted_by_its_line(tmp_path):
    rows = [("0.jpg", "49.90"), ("1.jpg", "10 - 20"), ("2.jpg", "7")]
    catalog, items = read(shop(tmp_path, table_of("file_name,price", rows), ABC))
    assert column(items, "price") == [49.9, None, 7.0]
    [refused] = catalog.cell_refusals
    assert (refused.line, refused.column, refused.text) == (3, "price", "10 - 20")
    assert "1 cells are no amount: line 3 '10 - 20'" in said(catalog)


def test_lists_and_divided_texts_are_several_values(tmp_path):
    rows = [
        {"file_name": "0.jpg", "sizes": ["L"], "new": False, "fit": "S|M|L", "year": 2012},
        {"file_name": "1.jpg", "sizes": ["S", "M"], "new": True, "fit": "M", "year": 2012},
        {"file_name": "2.jpg", "sizes": [], "new": None, "fit": None, "tags": {"a": 1}},
    ]
    shop(tmp_path, pictures=ABC)
    (tmp_path / "metadata.jsonl").write_text("\n".join(map(json.dumps, rows)))
    catalog, items = read(tmp_path)
    assert column(items, "sizes") == [("L",), ("S", "M"), None]
    assert column(items, "fit") == [("S", "M", "L"), ("M",), None]
    assert column(items, "new") == [False, True, None] and column(items, "year") == [
        2012,
        2012,
        None,
    ]
    assert "'tags' is left out: it holds objects" in said(catalog)
    assert [i.id for i in open_catalog(str(tmp_path), where="sizes=M|XL")] == ["1.jpg"]


def test_tags_divided_by_commas_are_several_and_paths_of_categories_are_one(tmp_path):
    rows = [("0.jpg", "Women > Dresses", '"sale, new"'), ("1.jpg", "Men > Shoes", "new")]
    rows += [("2.jpg", "Men > Shoes", "sale")]
    _, items = read(shop(tmp_path, table_of("file_name,categories,tags", rows), ABC))
    assert column(items, "tags") == [("sale", "new"), ("new",), ("sale",)]
    assert column(items, "categories") == ["Women > Dresses", "Men > Shoes", "Men > Shoes"]


def test_one_spelling_for_values_that_differ_in_case(tmp_path):
    genders = ["Women", "women", "WOMEN", "Men", "Women ", "men"]
    rows = [(f"{n}.jpg", g) for n, g in enumerate(genders)]
    catalog, items = read(shop(tmp_path, table_of("file_name,gender", rows), SIX))
    assert column(items, "gender") == ["Women", "Women", "Women", "Men", "Women", "Men"]
    assert "'women' as 'Women'" in said(catalog)


def test_words_for_nothing_are_nothing(tmp_path):
    words = ["null", "None", "-", "N/A", "nan", "NULL"]
    rows = [(f"{n}.jpg", "Women" if n % 2 else w, w) for n, w in enumerate(words)]
    catalog, items = read(shop(tmp_path, table_of("file_name,gender,material", rows), SIX))
    assert column(items, "material") == [None] * 6
    assert column(items, "gender") == [None, "Women"] * 3
    assert "the column 'material' holds nothing where it says" in said(catalog)


def test_names_of_columns_in_other_languages(tmp_path):
    rows = [(f"{n}.jpg", f"A{n}", f"Kleid {n}", "rot", "12,50") for n in range(3)]
    header = "file_name;Artikelnummer;Bezeichnung;Farbe;Preis"
    table = "\n".join([header, *(";".join(row) for row in rows)])
    catalog, items = read(shop(tmp_path, table, ABC))
    roles = catalog.roles
    assert (roles.id, roles.title, roles.price) == ("Artikelnummer", "Bezeichnung", "Preis")
    assert items["A1"].title == "Kleid 1" and items["A1"].attributes == {
        "Farbe": "rot",
        "Preis": 12.5,
    }


# splits, parts, what lies beside


def test_splits_that_are_not_read_are_named_with_their_sizes(tmp_path):
    shop(tmp_path, pictures=("train/a0.jpg", "train/a1.jpg", "test/b0.jpg"))
    catalog, items = read(tmp_path)
    assert list(items) == ["train/a0.jpg", "train/a1.jpg"]
    assert "'train' (2 pictures) is read, and not 'test' (1 pictures)" in said(catalog)
    for split in ("all", "train+test"):
        catalog, items = read(tmp_path, split=split)
        assert len(items) == 3 and not catalog.notes
    with pytest.raises(CatalogError, match="no split 'dev'; its splits are test, train"):
        open_catalog(str(tmp_path), split="train+dev")


def test_parts_whose_columns_differ_are_united(tmp_path):
    def part(number, **columns):
        pq.write_table(pa.table(columns), tmp_path / f"part-{number}.parquet")

    part(0, id=[1, 2], title=["a", "b"], image=[png(0), png(1)])
    part(1, id=["3", "4"], name=["c", "d"], image=[png(2), png(3)], price=[1.5, 2.5])
    part(2, id=["5"], title=["e"], img=[png(4)])
    catalog, items = read(tmp_path)
    assert {i: v.title for i, v in items.items()} == dict(zip("12345", "abcde", strict=True))
    assert column(items, "price") == [None, None, 1.5, 2.5, None]
    assert "part-1.parquet calls 'title' 'name', has 'price' more" in said(catalog)
    assert "part-2.parquet calls 'image' 'img'" in said(catalog)


def test_parquet_splits_are_all_read_when_asked(tmp_path):
    for split in ("train", "test"):
        pq.write_table(pa.table({"id": [split], "image": [png()]}), tmp_path / f"{split}-0.parquet")
    assert [i.id for i in open_catalog(str(tmp_path), split="all")] == ["test", "train"]
    assert "'train' (1 rows) is read, and not 'test' (1 rows)" in said(open_catalog(str(tmp_path)))


def test_an_index_inside_the_data_is_no_part_of_it(tmp_path):
    shop(tmp_path, "file_name,title\n0.jpg,A\n1.jpg,B\n", ABC[:2])
    generation = tmp_path / "index" / "20260101-000000"
    generation.mkdir(parents=True)
    (tmp_path / "index" / "CURRENT").write_text(generation.name)
    for name in ("manifest.json", "vectors.npy"):
        (generation / name).write_text("{}")
    pq.write_table(pa.table({"id": ["x"], "title": ["y"]}), generation / "items.parquet")
    (generation / "report.png").write_bytes(png())
    catalog, items = read(tmp_path)
    assert list(items) == ["0.jpg", "1.jpg"] and "'index' is an index: left out" in said(catalog)
    (tmp_path / "index").rename(tmp_path / "other")
    (tmp_path / "other" / "CURRENT").unlink()
    assert len(read(tmp_path)[1]) == 2, "a generation is known without its root, too"


def test_a_stray_parquet_and_those_of_img2dataset_are_told_by_what_they_hold(tmp_path):
    names = [f"00000/{n:09}.jpg" for n in range(3)]
    shop(tmp_path, pictures=names)
    columns = {
        "url": [f"http://example.com/{n}" for n in range(3)],
        "key": [f"{n:09}" for n in range(3)],
        "caption": ["a red bag", "a hat", "a shoe"],
        "status": ["success"] * 3,
    }
    pq.write_table(pa.table(columns), tmp_path / "00000.parquet")
    pq.write_table(pa.table({"customer": [1], "day": ["2020-01-01"]}), tmp_path / "sales.parquet")
    catalog, items = read(tmp_path)
    assert [i.title for i in items.values()] == ["a red bag", "a hat", "a shoe"]
    assert "sales.parquet is not read" in said(catalog)


# pictures as text


def test_data_uris_and_base64_are_pictures_and_never_printed(tmp_path):
    uris = [
        "data:image/png;base64," + base64.b64encode(png(1)).decode(),
        base64.b64encode(png(2)).decode(),
        "data:image/png;base64,@@@@",
    ]
    table = pa.table({"id": ["a", "b", "c"], "image": uris})
    pq.write_table(table, tmp_path / "p.parquet")
    catalog, items = read(tmp_path)
    assert {i: v.image for i, v in items.items()} == {"a": png(1), "b": png(2)}
    [refused] = catalog.rejected
    assert (refused.id, refused.reason) == ("c", "not-a-picture")
    text = json.dumps(CatalogReport.of(open_catalog(str(tmp_path / "p.parquet"))).to_json())
    assert uris[1][:40] not in text and uris[0][:60] not in text


def test_a_data_uri_in_a_csv_is_a_picture(tmp_path):
    uri = "data:image/png;base64," + base64.b64encode(png(1)).decode()
    (tmp_path / "products.csv").write_text(f'sku,title,picture\nS1,Bag,"{uri}"\n')
    catalog, items = read(tmp_path / "products.csv")
    assert items["S1"].image == png(1) and items["S1"].attributes == {}
    assert "base64" not in str(CatalogReport.of(catalog))


def test_a_list_of_pictures_in_parquet_is_one_item_with_photos(tmp_path):
    cells = [[{"bytes": png(n), "path": None} for n in range(3)], [{"bytes": png(5), "path": None}]]
    kind = pa.list_(pa.struct({"bytes": pa.binary(), "path": pa.string()}))
    table = pa.table({"id": ["a", "b"], "images": pa.array(cells, kind)})
    pq.write_table(table, tmp_path / "p.parquet")
    _, items = read(tmp_path)
    assert items["a"].image == png(0) and [p() for p in items["a"].photos] == [png(1), png(2)]
    assert items["b"].photos == ()


# a dry run


def test_a_dry_run_says_what_would_be_indexed_and_why(tmp_path):
    table = "file_name,title,price\n0.jpg,A,€ 1\n1.jpg,B\ngone.jpg,C,€ 3\n2.jpg,D,€ 4\n"
    report = CatalogReport.of(open_catalog(shop(tmp_path, table, ABC)))
    plain = report.to_json()
    assert plain["items"] == 3 and plain["photos"] == 3
    assert {c["name"]: c["taken_for"] for c in plain["columns"]} == {
        "file_name": "picture",
        "title": "title",
        "price": "price, amount",
        "currency": "currency",
    }
    assert {r: (f["count"], f["lines"]) for r, f in plain["refused"].items()} == {
        "too few cells": (1, [3]),
        "missing": (1, [4]),
    }
    assert plain["rows"][0] == {"id": "0.jpg", "title": "A", "price": 1.0, "currency": "EUR"}
    assert json.loads(json.dumps(plain)) is not None
    text = str(report)
    assert text.splitlines()[0].endswith("(folder): 3 items")
    assert "refused, too few cells: 1, lines 3; " in text and "0.jpg  A" in text


def test_every_number_of_the_report_is_that_of_the_run(tmp_path):
    rows = [{"image": png(n) if n % 2 else None, "id": n} for n in range(6)]
    table = pa.Table.from_pylist(rows, pa.schema({"image": pa.binary(), "id": pa.int64()}))
    pq.write_table(table, tmp_path / "p.parquet")
    catalog = open_catalog(str(tmp_path))
    assert CatalogReport.of(catalog).items == 6, "pictures are not looked at in a dry run"
    assert len(list(catalog)) == 3 and len(catalog.rejected) == 3
    assert np.array_equal(sorted(i.id for i in catalog), ["1", "3", "5"])


def test_files_beside_each_picture_are_no_tables_and_are_counted(tmp_path):
    shop(tmp_path, pictures=[f"00000/{n}.jpg" for n in range(9)])
    for number in range(9):
        (tmp_path / f"00000/{number}.json").write_text('{"caption": "a bag"}')
    for number in range(7):
        (tmp_path / f"sales-{number}.csv").write_text("customer,day\na,2020-01-01\n")
    (tmp_path / "stock.xls").write_bytes(b"old")
    catalog, items = read(tmp_path)
    assert len(items) == 9
    assert "9 files that are called as a picture beside them are not read" in said(catalog)
    assert "2 more tables are not read" in said(catalog)
    assert "stock.xls is not read: save it as .xlsx or .csv" in said(catalog)


def test_ids_that_lost_their_leading_zeros_find_their_pictures(tmp_path):
    table = "article_id,title\n108775015,Top\n108775044,Skirt\n"
    names = ("010/0108775015.jpg", "010/0108775044.jpg")
    _, items = read(shop(tmp_path, table, names, "articles.csv"))
    assert {i: v.title for i, v in items.items()} == {"108775015": "Top", "108775044": "Skirt"}


def test_a_table_without_rows_is_said(tmp_path):
    catalog, items = read(shop(tmp_path, "file_name,title\n", ABC))
    assert len(items) == 3 and "metadata.csv has no rows" in said(catalog)
