"""`/console/availability/holidays`: take public holidays over as days off."""

from dataclasses import dataclass

from fastapi import APIRouter
from starlette.responses import Response

from services.web.adapters.api import ApiAway, ApiRefused
from services.web.adapters.zones import country_of
from services.web.domain.days import Month
from services.web.domain.holidays import (
    FIELDS,
    Asked,
    Line,
    SeenCodes,
    SeenCountry,
    SeenHolidays,
    are_taken,
    asked_for,
    asked_in,
    code_asked_for,
    lines,
    sent_lines,
    sorting,
    taken_over,
    years_from,
)
from services.web.routes.console.desk import Here, SentForm, as_pages, version_of
from services.web.routes.console.plan import Plan, plan_of
from services.web.routes.visit import Html

router = APIRouter(prefix="/availability/holidays", default_response_class=Html)

AVAILABILITY = "/console/availability"


@dataclass(frozen=True, slots=True)
class Offer:
    """Somebody's schedule, and the holidays that were asked for beside it."""

    plan: Plan
    codes: tuple[str, ...]
    asked: Asked
    language: str
    lines: list[Line]

    def page(
        self, shown: list[Line] | None = None, status: int = 200, notice: str | None = None, version: int | None = None
    ) -> Response:
        """The page, with what was ticked where something was refused, made from that `version`."""
        plan, desk = self.plan, self.plan.desk
        names = {code: desk.words.country(code) for code in self.codes}
        regions = self.asked.country.regions if self.asked.country is not None else ()
        own_version = plan.schedule.version if plan.schedule is not None else None
        return desk.page(
            "holidays.html",
            status,
            here="availability",
            plan=plan,
            own=plan.member.id == desk.who.member_id,
            asked=self.asked,
            place=", ".join(self.asked.place(names)),
            countries=sorted(names.items(), key=lambda one: sorting(one[1])),
            regions=sorted(regions, key=lambda one: sorting(one.name)),
            years=years_from(plan.today.year),
            language=self.language,
            lines=self.lines if shown is None else shown,
            notice=notice,
            version=own_version if version is None else version,
        )


@router.get("")
async def show(desk: Here) -> Response:
    """The holidays of a country, a region and a year; those on which somebody would work are ticked."""
    plan = await plan_of(desk, changing=True)
    return (await _offer(plan, dict(desk.request.query_params))).page()


@router.post("")
async def take_over(desk: Here, sent: SentForm) -> Response:
    """Make the ticked ones days off, in one change of the schedule. What has hours of its own stays unless ticked."""
    plan = await plan_of(desk, changing=True)
    if plan.schedule is None:
        return desk.redirect(AVAILABILITY, **plan.carried)
    offer = await _offer(plan, asked_in(sent))
    shown, looked_at = sent_lines(offer.lines, sent), version_of(sent)
    chosen = [one for one in shown if one.checked]
    if not chosen and not are_taken(offer.lines, sent):
        # What was ticked may have got hours of its own meanwhile: it is shown with them, not ticked any more.
        ticked = any(sent.get(field) for field in FIELDS)
        return offer.page(shown, 412 if ticked else 422, "version_stale" if ticked else "none_chosen")
    try:
        if chosen:
            overrides = taken_over(chosen, plan.schedule.overrides)
            await plan.keep({"overrides": overrides}, desk.new_key, looked_at)
    except ApiRefused as refused:
        return offer.page(shown, refused.status, refused.code, refused.version or looked_at)
    except ApiAway:
        return offer.page(shown, 503, "away", looked_at)
    first = next((one.day for one in chosen if one.day >= plan.today), plan.today)
    return desk.done(AVAILABILITY, "holidays_taken", **plan.carried, month=str(Month.of(first)))


async def _offer(plan: Plan, given: dict[str, str]) -> Offer:
    asking, words = plan.desk.asking, plan.desk.words
    with as_pages():
        codes = tuple(one.code for one in (await asking.read(SeenCodes, "/holidays/countries")).items)
        code = code_asked_for(given, codes, country_of(plan.tz))
        country = await asking.read(SeenCountry, f"/holidays/countries/{code}") if code is not None else None
        asked = asked_for(given, country, plan.today.year)
        found = SeenHolidays(language=words.language, items=())
        if asked.is_known and asked.country is not None:
            found = await asking.read(
                SeenHolidays,
                "/holidays",
                country=asked.country.code,
                region=asked.region,
                year=asked.year,
                language=words.language,
            )
    return Offer(plan, codes, asked, found.language, lines(found.items, plan.schedule, plan.today))
