"""The context of a visit: season, occasion, temperature, budget, the item in view."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from lookbook.schema.text import excerpt

SEASONS = ("Winter", "Spring", "Summer", "Fall")
HEMISPHERES = ("north", "south")
_ALIASES = {"autumn": "Fall"}
_WARM_FROM = ((22.0, "Summer"), (14.0, "Spring"), (6.0, "Fall"))  # degrees Celsius


class ContextError(ValueError):
    """A context value out of range; the message names what was found and what was expected."""


@dataclass(frozen=True)
class Context:
    """What is known of a visit; whatever is None changes nothing.

    `season`, where it is None, follows from `day` and `hemisphere`. `temperature` (degrees Celsius,
    where the visitor is) takes precedence over the season. `occasion` is a value of the catalogue's
    `usage`. `budget` is the most an item should cost; `item` the id of the one in view. Raises
    ContextError.
    """

    day: date | None = None
    hemisphere: str = "north"
    season: str | None = None
    occasion: str | None = None
    temperature: float | None = None
    budget: float | None = None
    item: str | None = None

    def __post_init__(self) -> None:
        if self.hemisphere not in HEMISPHERES:
            raise ContextError(
                f"hemisphere: expected {' or '.join(HEMISPHERES)}, found {excerpt(self.hemisphere)}"
            )
        if self.season is not None:
            object.__setattr__(self, "season", parse_season(self.season))
        if self.budget is not None and not self.budget > 0:
            raise ContextError(f"budget: expected more than 0, found {excerpt(self.budget)}")

    @property
    def effective_season(self) -> str | None:
        """The season to dress for: by temperature, else as given, else by the calendar."""
        if self.temperature is not None:
            warm = (name for minimum, name in _WARM_FROM if self.temperature >= minimum)
            return next(warm, "Winter")
        if self.season is not None:
            return self.season
        return None if self.day is None else season_of(self.day, self.hemisphere)


def season_of(day: date, hemisphere: str = "north") -> str:
    """Return the meteorological season of a day."""
    shift = 2 if hemisphere == "south" else 0
    return SEASONS[(day.month % 12 // 3 + shift) % 4]


def parse_season(name: str) -> str:
    """Return the season of a name, "autumn" too; raises ContextError."""
    season = _ALIASES.get(name.strip().casefold(), name.strip().title())
    if season not in SEASONS:
        raise ContextError(f"season: expected one of {', '.join(SEASONS)}, found {excerpt(name)}")
    return season


EMPTY_CONTEXT = Context()
