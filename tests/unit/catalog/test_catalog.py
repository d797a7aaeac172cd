"""Catalogues of every kind, built by the test so that their right content is known."""

import datetime
import gzip
import io
import json
import struct
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from lookbook.catalog import CatalogError, Columns, open_catalog
from lookbook.images.loading import load_rgb
from lookbook.schema.columns import Field, find_roles, made_title, scalar


def picture(colour=(200, 30, 30)):
    out = io.BytesIO()
    Image.new("RGB", (16, 20), colour).save(out, "PNG")
    return out.getvalue()


def put(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(picture())
    return folder


def write_parquet(path, columns, features=None, **options):
    table = pa.table(columns)
    if features:
        info = {"info": {"features": features, "license": "cc0-1.0"}}
        table = table.replace_schema_metadata({"huggingface": json.dumps(info)})
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, **options)
    return path


def image_cells(count, **changed):
    cells = [{"bytes": picture((i % 256, 0, 0)), "path": f"{i}.png"} for i in range(count)]
    for place, cell in changed.items():
        cells[int(place[1:])] = cell
    return pa.array(cells, pa.struct({"bytes": pa.binary(), "path": pa.string()}))


def sentence(*arguments, **options):
    with pytest.raises(CatalogError) as caught:
        list(open_catalog(*map(str, arguments), **options))
    return str(caught.value)


# folders of pictures


def test_plain_folder_takes_pictures_and_nothing_else(tmp_path):
    put(tmp_path, "b shirt.JPG", "a_blue-shirt.png")
    (tmp_path / "notes.txt").write_text("no picture")
    put(tmp_path, ".hidden.png", ".git/x.png")
    catalog = open_catalog(str(tmp_path))
    items = list(catalog)
    assert [i.id for i in items] == ["a_blue-shirt.png", "b shirt.JPG"]
    assert [i.title for i in items] == ["a blue shirt", "b shirt"]
    assert isinstance(items[0].image, Path), "not read, not decoded"
    assert load_rgb(items[0].image).size == (16, 20)
    assert catalog.total == 2 and items[0].attributes == {} and catalog.rejected == []


def test_class_folders_become_label(tmp_path):
    put(tmp_path, "Dresses/1.png", "Shirts/1.png", "Shirts/2.png")
    items = list(open_catalog(str(tmp_path), where={"label": "Shirts"}))
    assert [i.id for i in items] == ["Shirts/1.png", "Shirts/2.png"]
    assert items[0].title == "Shirts"


def test_nested_class_folders_keep_the_whole_way_too(tmp_path):
    put(tmp_path, "Women/Shirts/1.png", "Men/Shirts/1.png", "2.png")
    attributes = {i.id: i.attributes for i in open_catalog(str(tmp_path))}
    assert attributes["Women/Shirts/1.png"] == {"label": "Shirts", "folder": "Women/Shirts"}
    assert attributes["2.png"] == {"label": None, "folder": None}


def test_metadata_csv_with_quotes_bom_spaces_and_na(tmp_path):
    put(tmp_path, "my shirt.png", "b.png", "c.png")
    text = (
        "file_name,title,article_id,size,price,year,note\r\n"
        '"my shirt.png","A ""red"" shirt, short",0108775015,NA,9.50,2012,\r\n'
        "b.png,Blue,0108775044,,12,2013,nan\r\n"
    )
    (tmp_path / "metadata.csv").write_text(text, encoding="utf-8-sig", newline="")
    catalog = open_catalog(str(tmp_path))
    items = {i.id: i for i in catalog}
    shirt = items["0108775015"]
    assert shirt.title == 'A "red" shirt, short'
    assert shirt.attributes == {"size": None, "price": 9.5, "year": 2012, "note": None}
    assert items["0108775044"].attributes["note"] is None, "a word for nothing"
    assert items["0108775044"].attributes["size"] is None
    assert any("'NA' 1 times" in note for note in catalog.notes), "and it is said"
    assert items["c.png"].attributes == dict.fromkeys(["size", "price", "year", "note"])
    assert catalog.total == 3


@pytest.mark.parametrize("mark", [";", "\t"])
def test_metadata_csv_of_a_european_excel(tmp_path, mark):
    put(tmp_path, "a.png", "b.png")
    rows = [
        ("file_name", "title", "Preis", "sizes", "old price"),
        ("a.png", "Bag, black", "12,50", "38,40", "1.250,00"),
        ("b.png", "Skirt", "9", "36,38", "9,00"),
    ]
    text = "\r\n".join(mark.join(row) for row in rows)
    (tmp_path / "metadata.csv").write_text(text, encoding="utf-8-sig", newline="")
    bag, skirt = open_catalog(str(tmp_path))
    assert bag.title == "Bag, black"
    assert bag.attributes == {"Preis": 12.5, "sizes": "38,40", "old price": 1250.0}
    assert skirt.attributes == {"Preis": 9.0, "sizes": "36,38", "old price": 9.0}


def test_a_cell_without_an_end_is_refused_and_the_rows_behind_it_are_read(tmp_path, monkeypatch):
    put(tmp_path, "a.png", "b.png")
    import csv

    before = csv.field_size_limit(1000)
    try:
        lines = ["file_name,title", "a.png," + "x" * 2000, "b.png,shirt"]
        (tmp_path / "metadata.csv").write_text("\n".join(lines))
        source = open_catalog(tmp_path)
        titles = [item.title for item in source]
    finally:
        csv.field_size_limit(before)
    assert "shirt" in titles and not any("xxx" in title for title in titles)


def test_a_quoted_header_may_hold_other_marks(tmp_path):
    put(tmp_path, "a.png")
    (tmp_path / "metadata.csv").write_text('file_name,"size; width; fit"\na.png,M\n')
    assert next(iter(open_catalog(str(tmp_path)))).attributes == {"size; width; fit": "M"}


@pytest.mark.parametrize(
    ("header", "wish"),
    [("image,title", "add --image-column image"), ("one;two", "name it by --image-column")],
)
def test_another_column_of_pictures_is_said_with_what_to_do(tmp_path, header, wish):
    put(tmp_path, "a.png")
    (tmp_path / "metadata.csv").write_text(f"{header}\na.png,A\n")
    message = sentence(tmp_path)
    assert message.startswith(f"{tmp_path / 'metadata.csv'}: expected a column 'file_name'")
    assert message.endswith(wish)


def test_metadata_jsonl_in_a_sub_folder(tmp_path):
    put(tmp_path, "pics/a.png", "pics/b.png")
    rows = [
        {"file_name": "a.png", "year": 2012, "tags": ["x"]},
        {"file_name": "b.png", "new": True},
    ]
    lines = "\n".join(map(json.dumps, rows)) + "\n\n"
    (tmp_path / "pics/metadata.jsonl").write_text(lines, encoding="utf-8-sig")
    attributes = {i.id: i.attributes for i in open_catalog(str(tmp_path))}
    assert attributes["pics/a.png"] == {"year": 2012, "new": None, "tags": ("x",)}
    assert attributes["pics/b.png"] == {"year": None, "new": True, "tags": None}


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("missing.png", "missing"),
        ("", "missing"),
        ("../secret.png", "outside"),
        ("sub/../../secret.png", "outside"),
        ("/etc/passwd", "outside"),
        ("..\\secret.png", "outside"),
        ("link.png", "outside"),
        ("x" * 4000, "missing"),
        ("nul\0.png", "outside"),
    ],
)
def test_metadata_cannot_fetch_what_is_not_in_the_folder(tmp_path, name, reason):
    put(tmp_path, "secret.png", "shop/good.png")
    (tmp_path / "shop/link.png").symlink_to(tmp_path / "secret.png")
    rows = [{"file_name": name, "id": "bad"}, {"file_name": "good.png", "id": "good"}]
    (tmp_path / "shop/metadata.jsonl").write_text("\n".join(map(json.dumps, rows)))
    catalog = open_catalog(str(tmp_path / "shop"))
    assert [i.id for i in catalog] == ["good"]
    refused = {r.id: r for r in catalog.rejected}
    assert refused["bad"].reason == reason and refused["bad"].sentence.endswith(".")


def test_train_and_test_folders_are_splits(tmp_path):
    put(tmp_path, "train/Shirts/a.png", "train/Bags/b.png", "test/Shirts/c.png")
    train = open_catalog(str(tmp_path))
    assert [i.id for i in train] == ["train/Bags/b.png", "train/Shirts/a.png"]
    assert [i.attributes["label"] for i in train] == ["Bags", "Shirts"]
    assert train.source["split"] == "train"
    assert [i.id for i in open_catalog(str(tmp_path), split="test")] == ["test/Shirts/c.png"]
    assert "test, train" in sentence(tmp_path, split="dev")


@pytest.mark.parametrize(
    ("file", "text", "word"),
    [
        (
            "metadata.csv",
            b"image,title\na.png,A\n",
            "'file_name' of the pictures' files, found image",
        ),
        ("metadata.csv", b"file_name,title\na.png,\x81\n", "UTF-8"),
        ("metadata.csv", b'file_name,title\na.png,"open', "cannot be read"),
        ("metadata.jsonl", b"\n{broken\n", "line 2"),
        ("metadata.jsonl", b'["a.png"]\n', "expected an object, found list"),
    ],
)
def test_unreadable_metadata_is_named(tmp_path, file, text, word):
    put(tmp_path, "a.png")
    (tmp_path / file).write_bytes(text)
    message = sentence(tmp_path)
    assert word in message and file in message


def test_other_column_for_the_file_name(tmp_path):
    put(tmp_path, "a.png", "b.png")
    (tmp_path / "metadata.csv").write_text("image,title\na.png,A\nb.png,B\n")
    items = open_catalog(str(tmp_path), columns=Columns(image="image"))
    assert [(i.id, i.title, i.attributes) for i in items] == [
        ("a.png", "A", {}),
        ("b.png", "B", {}),
    ]


def test_folder_without_pictures(tmp_path):
    (tmp_path / "readme.txt").write_text("hello")
    assert "no pictures" in sentence(tmp_path)


# parquet


def test_parquet_in_the_form_of_the_hub(tmp_path):
    columns = {
        "id": [10, 20, 30],
        "image": image_cells(3),
        "label": [1, 0, -1],
        "productDisplayName": ["Red  Shirt ", "", None],
        "baseColour": ["Red", "Blue", "NA"],
        "year": [2012.0, float("nan"), None],
        "since": [datetime.date(2020, 1, 2), None, None],
        "sale": [True, False, None],
        "tags": [["a"], [], None],
        "raw": [b"\0", b"", None],
    }
    features = {"label": {"_type": "ClassLabel", "names": ["Bags", "Shirts"]}}
    catalog = open_catalog(str(write_parquet(tmp_path / "c.parquet", columns, features)))
    one, two, three = list(catalog)
    assert one.image == picture((0, 0, 0)), "the very bytes, not decoded"
    assert (one.id, one.title) == ("10", "Red Shirt")
    assert one.attributes == {
        "label": "Shirts",
        "baseColour": "Red",
        "year": 2012.0,
        "since": "2020-01-02",
        "sale": True,
        "tags": ("a",),
    }
    assert two.attributes["tags"] is None
    assert two.title == "Blue Bags" and two.attributes["year"] is None
    assert three.attributes["label"] is None and three.attributes["baseColour"] is None
    assert (catalog.total, catalog.licence) == (3, "cc0-1.0")


def test_parquet_with_raw_bytes_and_with_paths(tmp_path):
    raw = write_parquet(tmp_path / "raw.parquet", {"pixels": [picture()], "name": ["A"]})
    assert load_rgb(next(iter(open_catalog(str(raw)))).image).size == (16, 20)
    put(tmp_path, "pics/a.png")
    write_parquet(tmp_path / "t/p.parquet", {"img": ["a.png", "../a.png", "http://x/a.png", None]})
    put(tmp_path, "t/a.png")
    catalog = open_catalog(str(tmp_path / "t"))
    assert [i.image.name for i in catalog] == ["a.png"]
    assert [(r.id, r.reason) for r in catalog.rejected] == [
        ("1", "outside"),
        ("2", "missing"),
        ("3", "missing"),
    ]


def test_missing_picture_is_rejected_with_its_row(tmp_path):
    cells = image_cells(
        4, _1=None, _2={"bytes": None, "path": None}, _3={"bytes": b"", "path": None}
    )
    path = write_parquet(tmp_path / "c.parquet", {"image": cells})
    catalog = open_catalog(str(path))
    assert [i.id for i in catalog] == ["0"]
    assert [(r.id, r.reason) for r in catalog.rejected] == [(n, "missing") for n in "123"]
    assert len(list(catalog)) == 1 and len(catalog.rejected) == 3, "again, not twice"


def test_parquet_folder_and_glob_read_all_files_in_order(tmp_path):
    for number in range(3):
        columns = {"image": image_cells(2), "sku": [f"{number}a", f"{number}b"]}
        write_parquet(tmp_path / f"part-{number}.parquet", columns)
    write_parquet(tmp_path / "purchases.parquet", {"customer": [1], "sku": ["0a"]})
    expected = ["0a", "0b", "1a", "1b", "2a", "2b"]
    assert [i.id for i in open_catalog(str(tmp_path))] == expected
    assert [i.id for i in open_catalog(str(tmp_path / "part-[12]*"))] == expected[2:]
    assert "no parquet file matches" in sentence(tmp_path / "nothing-*.parquet")


def test_parquet_splits_by_file_name(tmp_path):
    for split in ("train", "test"):
        columns = {"image": image_cells(1), "id": [split]}
        write_parquet(tmp_path / f"data/{split}-00000-of-00001.parquet", columns)
    assert [i.id for i in open_catalog(str(tmp_path))] == ["train"]
    assert [i.id for i in open_catalog(str(tmp_path), split="test")] == ["test"]


def test_batches_and_row_groups_lose_nothing(tmp_path):
    columns = {"image": image_cells(300), "id": range(300)}
    path = write_parquet(tmp_path / "c.parquet", columns, row_group_size=70)
    items = list(open_catalog(str(path)))
    assert [i.id for i in items] == [str(n) for n in range(300)]
    assert load_rgb(items[299].image).getpixel((0, 0)) == (299 % 256, 0, 0)


@pytest.mark.parametrize("damage", ["cut", "text", "middle"])
def test_damaged_parquet_is_a_catalog_error(tmp_path, damage):
    path = write_parquet(tmp_path / "c.parquet", {"image": image_cells(50)})
    data = bytearray(path.read_bytes())
    if damage == "middle":
        data[20 : len(data) // 2] = b"\xff" * (len(data) // 2 - 20)
    path.write_bytes({"cut": data[:-100], "text": b"hello", "middle": data}[damage])
    assert "c.parquet" in sentence(path)


# Fashion-MNIST


def write_idx(path, array):
    header = struct.pack(f">4B{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    path.write_bytes(gzip.compress(header + array.astype(np.uint8).tobytes()))


@pytest.fixture
def mnist(tmp_path):
    for prefix, count in (("train", 3), ("t10k", 2)):
        garments = np.zeros((count, 28, 28), np.uint8)
        garments[:, 10:18, 10:18] = 250
        write_idx(tmp_path / f"{prefix}-images-idx3-ubyte.gz", garments)
        write_idx(tmp_path / f"{prefix}-labels-idx1-ubyte.gz", np.array([9, 0, 1])[:count])
    return tmp_path


def test_fashion_mnist_files(mnist):
    catalog = open_catalog(str(mnist))
    items = list(catalog)
    types = ["Ankle boot", "T-shirt", "Trousers"]
    assert [i.attributes for i in items] == [{"articleType": t} for t in types]
    assert [i.id for i in items] == ["train-00000", "train-00001", "train-00002"]
    image = load_rgb(items[0].image)
    assert image.size == (28, 28)
    assert image.getpixel((0, 0)) == (255, 255, 255), "a light ground"
    assert image.getpixel((14, 14)) == (5, 5, 5)
    assert catalog.total == 3 and len(list(open_catalog(str(mnist), split="test"))) == 2


def test_damaged_fashion_mnist(mnist):
    labels = mnist / "train-labels-idx1-ubyte.gz"
    write_idx(labels, np.array([1]))
    assert "cut short" in sentence(mnist)
    labels.write_bytes(labels.read_bytes()[:-12])
    assert "damaged" in sentence(mnist)
    labels.write_bytes(b"not gzip")
    assert "damaged" in sentence(mnist)
    labels.write_bytes(gzip.compress(b"\0\0\x0d\1"))
    assert "expected to begin with 00000801" in sentence(mnist)


@pytest.mark.skipif(
    not Path("/usr/share/datasets/fashion-mnist").is_dir(),
    reason="Debian's dataset-fashion-mnist is not installed",
)
def test_fashion_mnist_as_debian_installs_it():
    catalog = open_catalog("fashion-mnist", split="test", where="articleType=Bag", limit=5)
    assert open_catalog("fashion-mnist", split="test").total == 10_000
    for item in catalog:
        grey = np.asarray(load_rgb(item.image))[:, :, 0]
        corners = grey[[0, 0, -1, -1], [0, -1, 0, -1]]
        assert item.attributes == {"articleType": "Bag"} and corners.min() > 250


# selection, ids, columns


@pytest.fixture
def shop(tmp_path):
    columns = {
        "image": image_cells(6),
        "id": ["a", "b", "a", "a-2", "a", None],
        "gender": ["Women", "Boys", "Men", "Women", None, "Women"],
        "price": [10, 20, 30, 40, 50, 60],
    }
    return str(write_parquet(tmp_path / "shop.parquet", columns))


def test_repeated_and_missing_ids_become_unique(shop):
    assert [i.id for i in open_catalog(shop)] == ["a", "b", "a-3", "a-2", "a-4", "5"]
    notes = " ".join(open_catalog(shop).notes)
    assert "2 ids of the column 'id' stand twice" in notes and "1 rows have no id" in notes


def test_ids_do_not_depend_on_the_selection(shop):
    ids = [i.id for i in open_catalog(shop, where=["gender=Women", "price>=20"])]
    assert ids == ["a-2", "5"]


def test_limit_cuts_after_selection(shop):
    catalog = open_catalog(shop, where=["gender!=Boys"], limit=2)
    assert [i.id for i in catalog] == ["a", "a-3"]
    assert (catalog.total, open_catalog(shop, limit=4).total) == (None, 4)
    assert open_catalog(shop, limit=100).total == 6
    assert catalog.source["where"] == ["gender!=Boys"] and catalog.source["limit"] == 2


def test_id_and_title_columns_can_be_selected_by(shop):
    assert [i.id for i in open_catalog(shop, where="id=b")] == ["b"]


def test_selection_that_cannot_be(shop):
    assert "no column 'colour' to select by; its columns are id, gender" in sentence(
        shop, where="colour=red"
    )
    assert "expected COLUMN=VALUE" in sentence(shop, where="colour")
    message = sentence(shop, where="gender=Girls")
    assert message.endswith("no row meets gender=Girls; gender has Women, Boys, Men")
    assert sentence(shop, where="price<=5").endswith("price has 10, 20, 30, 40, 50, ...")
    assert "expected at least 1" in sentence(shop, limit=0)


def test_columns_named_by_hand(shop):
    columns = Columns(image="image", id="price", title="gender", attributes=["id"])
    item = next(iter(open_catalog(shop, columns=columns)))
    assert (item.id, item.title, item.attributes) == ("10", "Women", {"id": "a"})


@pytest.mark.parametrize("role", ["image", "title", "id"])
def test_named_column_that_is_missing_lists_those_found(shop, role):
    message = sentence(shop, columns=Columns(**{role: "nothing"}))
    assert "'nothing'" in message and "image (image), id (text), gender (text)" in message


def test_no_column_of_pictures(tmp_path):
    path = write_parquet(tmp_path / "c.parquet", {"customer": [1], "day": ["x"]})
    assert "no column of pictures; its columns are customer (scalar), day (text)" in sentence(path)


@pytest.mark.parametrize("name", ["image", "img", "Picture", "photo", "image_path", "file_name"])
def test_picture_column_by_name(name):
    fields = [Field("title", "text"), Field(name, "text"), Field("n", "scalar")]
    roles = find_roles(fields, Columns(), "x")
    assert (roles.image, roles.title, roles.attributes) == (name, "title", ("n",))


def test_picture_column_by_type_before_name():
    fields = [Field("image", "text"), Field("front", "image"), Field("blob", "binary")]
    assert find_roles(fields, Columns(), "x").image == "front"
    assert find_roles([*fields, Field("img", "image")], Columns(), "x").image == "img"


@pytest.mark.parametrize("name", ["productDisplayName", "title", "name", "prod_name", "caption"])
def test_title_column_by_name(name):
    assert find_roles([Field("image", "image"), Field(name, "text")], Columns(), "x").title == name


@pytest.mark.parametrize("name", ["id", "article_id", "product_id", "item_id", "SKU", "productId"])
def test_id_column_by_name(name):
    assert find_roles([Field("image", "image"), Field(name, "scalar")], Columns(), "x").id == name


@example(2**63)
@example(-(2**63))
@given(st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary()))
def test_scalar_is_plain_or_none(value):
    converted = scalar(value)
    if isinstance(value, int) and abs(value) >= 2**63:
        assert converted == str(value)  # no column of numbers holds it
    else:
        assert converted is None or (
            type(converted) in (str, int, float, bool) and converted == value
        )


def test_half_a_character_becomes_a_question_mark():
    assert scalar("navy \ud800 shirt") == "navy ? shirt"


@given(st.dictionaries(st.text(max_size=9), st.one_of(st.none(), st.text())), st.text(min_size=1))
def test_made_title_is_never_empty(attributes, key):
    assert made_title({n: scalar(v) for n, v in attributes.items()}, key)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.sampled_from(["a", "a-2", "a-3", "b", "", None]), min_size=1, max_size=12))
def test_ids_are_unique_and_in_order(tmp_path_factory, ids):
    path = tmp_path_factory.mktemp("ids") / "c.parquet"
    write_parquet(path, {"image": image_cells(len(ids)), "id": pa.array(ids, pa.string())})
    read_ids = [i.id for i in open_catalog(str(path))]
    assert len(set(read_ids)) == len(ids) and all(read_ids)


# sources


def test_fingerprint_follows_the_files(tmp_path):
    put(tmp_path, "a.png", "b.png")
    first = open_catalog(str(tmp_path)).source
    assert open_catalog(str(tmp_path)).source == first
    (tmp_path / "b.png").write_bytes(picture((0, 0, 9)) + b"\0")
    assert open_catalog(str(tmp_path)).source["fingerprint"] != first["fingerprint"]


def test_source_tells_no_more_of_this_machine_than_was_typed(tmp_path, monkeypatch):
    put(tmp_path, "shop/a.png")
    monkeypatch.chdir(tmp_path)
    assert open_catalog("shop").source["name"] == "shop"
    assert str(tmp_path) not in json.dumps(open_catalog("shop").source)


@pytest.mark.parametrize(
    "name", ["./nothing", "/nothing", "../no/thing", "a/b/c", "shop.parquet", "two words", "nul\0"]
)
def test_path_that_is_not_there(name):
    assert "no such folder or file" in sentence(name)


def test_file_that_is_no_data_set(tmp_path):
    (tmp_path / "shop.zip").write_bytes(b"PK")
    assert "expected a folder or a parquet file, found a .zip file" in sentence(
        tmp_path / "shop.zip"
    )


def test_house_collection_is_the_default():
    house = pytest.importorskip("house_collection")
    if not hasattr(house, "products"):
        pytest.skip("the house collection is not drawn yet")
    catalog = open_catalog(limit=2)
    items = list(catalog)
    assert [i.id for i in items] == [str(p.row()["id"]) for p in house.products(2, 0)]
    assert load_rgb(items[0].image).mode == "RGB" and items[0].title
    assert (catalog.total, open_catalog().total) == (2, 1500)
