"""`/holidays`: the public holidays of a country and region, to be taken over as days off."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from services.availability.adapters.holidays import Country, codes, country_of, holidays_in
from turnus_runtime.http import Answer, Day, Locale, Principal, Text, answer, found, invalid, staff

FIRST_YEAR, LAST_YEAR = 2000, 2100

router = APIRouter(prefix="/holidays")
Asking = Annotated[Principal, staff()]


class RegionView(Answer):
    """A part of a country with holidays of its own; `code` as in ISO 3166-2 after the country's, where it has one."""

    code: str
    name: str


class CountryView(Answer):
    """A country (ISO 3166-1 alpha-2), and the years of which its holidays are known, both included."""

    code: str
    regions: list[RegionView]
    first_year: int
    last_year: int


class CountryCode(Answer):
    """A country by its code (ISO 3166-1 alpha-2)."""

    code: str


class Countries(Answer):
    """Every country whose holidays are known, in the order of the codes."""

    items: list[CountryCode]


class HolidayView(Answer):
    """A public holiday. Two that fall on one day are one, with both names."""

    date: Day
    name: str


class Holidays(Answer):
    """The public holidays of a year in order. `language`: in which they are named, `de` or `en-GB`."""

    country: str
    region: str | None
    year: int
    language: str
    items: list[HolidayView]


@router.get("", response_model=Holidays)
async def list_holidays(
    who: Asking,
    country: Annotated[
        str,
        Query(min_length=2, max_length=2, description="ISO 3166-1 alpha-2", json_schema_extra={"examples": ["DE"]}),
    ],
    year: Annotated[int, Query(ge=FIRST_YEAR, le=LAST_YEAR, json_schema_extra={"examples": [2027]})],
    region: Annotated[
        Annotated[str, Text(100)] | None, Query(description="One of the country's; without: what holds everywhere")
    ] = None,
    language: Annotated[Locale, Query(description="For the names; English for what is not named in German")] = "en",
) -> Response:
    """The public holidays of a country, or of one of its regions, in a year."""
    known = await asyncio.to_thread(country_of, country)
    if known is None:
        raise invalid("country", "is no known code such as DE; GET /holidays/countries lists them all")
    _check(known, region, year)
    told = await asyncio.to_thread(holidays_in, country, region, year, language)
    items = [HolidayView(date=one.day, name=one.name) for one in told.days]
    return answer(Holidays(country=country, region=region, year=year, language=told.language, items=items))


@router.get("/countries", response_model=Countries)
async def list_countries(who: Asking) -> Response:
    """The countries whose holidays are known."""
    return answer(Countries(items=[CountryCode(code=code) for code in await asyncio.to_thread(codes)]))


@router.get("/countries/{country}", response_model=CountryView)
async def get_country(country: str, who: Asking) -> Response:
    """A country with its regions."""
    known = found(await asyncio.to_thread(country_of, country))
    return answer(_view(known))


def _check(country: Country, region: str | None, year: int) -> None:
    known = [one.code for one in country.regions]
    if region is not None and region not in known:
        there = f"these are: {', '.join(known)}" if known else "it has none"
        raise invalid("region", f"is no region of {country.code}; {there}")
    if not country.first_year <= year <= country.last_year:
        message = f"the holidays of {country.code} are known from {country.first_year} to {country.last_year}"
        raise invalid("year", message)


def _view(country: Country) -> CountryView:
    return CountryView(
        code=country.code,
        regions=[RegionView(code=one.code, name=one.name) for one in country.regions],
        first_year=country.first_year,
        last_year=country.last_year,
    )
