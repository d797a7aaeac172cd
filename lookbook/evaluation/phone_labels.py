"""What the labels of the phone photos may be called in a shop: partial labels."""

from __future__ import annotations

_TROUSERS = (
    *("Trousers", "Jeans", "Track Pants", "Leggings", "Lounge Pants", "Jeggings", "Capris"),
    *("Churidar", "Salwar", "Patiala", "Tights"),
)
_SHOES = (
    *("Casual Shoes", "Sports Shoes", "Formal Shoes", "Heels", "Flats", "Sandals", "Flip Flops"),
    *("Sports Sandals", "Booties"),
)
# label of a phone photo -> the articleTypes that it may be
ARTICLE_TYPES = {
    "T-Shirt": ("Tshirts", "Lounge Tshirts", "Tops"),
    "Polo": ("Tshirts",),
    "Longsleeve": ("Tshirts", "Sweatshirts", "Sweaters", "Tops"),
    "Pants": _TROUSERS,
    "Shoes": _SHOES,
    "Shirt": ("Shirts",),
    "Dress": ("Dresses", "Nightdress", "Jumpsuit"),
    "Outwear": (
        *("Jackets", "Rain Jacket", "Sweaters", "Sweatshirts", "Blazers", "Nehru Jackets"),
        *("Shrug", "Waistcoat"),
    ),
    "Shorts": ("Shorts", "Lounge Shorts", "Boxers"),
    "Hat": ("Caps", "Hat"),
    "Skirt": ("Skirts",),
    "Blazer": ("Blazers", "Jackets", "Nehru Jackets", "Waistcoat"),
    "Undershirt": ("Innerwear Vests", "Camisoles"),
    "Hoodie": ("Sweatshirts", "Jackets", "Sweaters"),
    "Body": ("Rompers", "Innerwear Vests", "Camisoles", "Tops", "Swimwear"),
    "Top": ("Tops", "Tunics", "Camisoles", "Tshirts"),
    "Blouse": ("Tops", "Shirts", "Tunics", "Kurtis"),
}
