"""Products that several tests of the house collection share."""

import pytest

from house_collection import products


@pytest.fixture(scope="session")
def first():
    return list(products(300, seed=0))


@pytest.fixture(scope="session")
def one_of_each():
    by_type = {}
    for product in products(3000, seed=3):
        by_type.setdefault(product.article, product)
    return by_type
