"""Facts about the clauses of an offer. ``None`` means that nobody has said, which is not the same as no."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from services.contracts.domain.border import (
    Contradiction,
    Count,
    DatesOutOfOrder,
    Day,
    Days,
    Form,
    Milli,
    Sha256,
    Slug,
    Text,
    VolumeM3,
    Yes,
    later,
)
from services.contracts.domain.money import Currency
from services.contracts.domain.price import SpeciesName

Months = Annotated[int, Field(strict=True, ge=0, le=1_200)]
Handed = Literal["permit", "gtf_book", "sunat_key", "bank_account"]
Reader = Literal["federation", "osinfor", "adviser"]


class Assembly(Form):
    """The assembly that agreed to the offer, as far as the minutes show it."""

    held: Yes
    on: Day | None = None
    quorum: Yes | None = None
    attendance: Count | None = None
    votes_for: Count | None = None
    minutes_sha256: Sha256 | None = None


class Defects(Form):
    """What is taken off for hollows and rot (castigo), by which formula and up to which part of the log."""

    taken: Yes
    formula: Text | None = None
    cap_milli: Milli | None = None


class IndexShares(Form):
    """How much of a rise and of a fall of the index the price follows."""

    up_milli: Annotated[int, Field(strict=True, ge=0, le=10_000)]
    down_milli: Annotated[int, Field(strict=True, ge=0, le=10_000)]


class FineRisk(Form):
    """An infraction that may be found: how likely, and how many thousandths of a UIT it costs (F18)."""

    probability_milli: Milli
    uit_milli: Annotated[int, Field(strict=True, ge=1, le=5_000_000)]


class Sanctions(Form):
    """Whether the buyer was in the sanction list of a day; the hash says which list was read."""

    listed: Yes
    on: Day
    list_sha256: Sha256


class SpeciesCensus(Form):
    """How much of one species the census of the area counted."""

    species: SpeciesName
    volume_m3: VolumeM3


class Terms(Form):
    """Facts about clauses. ``where`` says for each, by its name, in which clause and page it stands."""

    price_stated_without_rule: Yes | None = None
    scaler: Literal["buyer", "community", "joint", "third_party"] | None = None
    joint_scaling: Yes | None = None
    tally_copy: Yes | None = None
    term_months: Months | None = None
    index_clause: Yes | None = None
    operator: Literal["buyer", "community", "third_party"] | None = None
    fines_on: Literal["buyer", "community", "shared"] | None = None
    solidarity_waived: Yes | None = None
    assembly: Assembly | None = None
    where: dict[str, Text] = Field(default_factory=dict)

    defects: Defects | None = later()
    index_shares: IndexShares | None = later()
    buyer_sells_in: Currency | None = later()
    fx_clause: Yes | None = later()
    buyer_controls_costs: Yes | None = later()
    cost_cap: Yes | None = later()
    audit_right: Yes | None = later()
    remeasure_right: Yes | None = later()
    remeasure_days: Days | None = later()
    bark_deduction_stated: Yes | None = later()
    trim_mm: Annotated[int, Field(strict=True, ge=0, le=2_000)] | None = later()
    trim_stated: Yes | None = later()
    left_logs_paid: Yes | None = later()
    paid_after_resale: Yes | None = later()
    delivery_days: Days | None = later()
    removal_days: Days | None = later()
    guarantee: Literal["none", "bond", "deposit", "title_retention"] | None = later()
    repaid_in_wood_or_labour_only: Yes | None = later()
    debt_has_end_date: Yes | None = later()
    debt_carries_over: Yes | None = later()
    costs_deducted_uncapped: Yes | None = later()
    penalties_on: Literal["nobody", "community", "buyer", "both"] | None = later()
    penalty_milli: Milli | None = later()
    price_list: Yes | None = later()
    signed_on: Day | None = later()
    translated: Yes | None = later()
    adviser_named: Yes | None = later()
    power_over: tuple[Handed, ...] | None = later()
    regent_paid_by: Literal["buyer", "community", "other"] | None = later()
    regent_disclosed: Yes | None = later()
    fine_risks: tuple[FineRisk, ...] | None = later()
    sanctions: Sanctions | None = later()
    all_species: Yes | None = later()
    area_is_polygon: Yes | None = later()
    volume_limited: Yes | None = later()
    plan_valid_to: Day | None = later()
    automatic_renewal: Yes | None = later()
    exclusive_months: Months | None = later()
    first_refusal_at_buyer_price: Yes | None = later()
    may_terminate: Literal["buyer", "community", "both", "nobody"] | None = later()
    unpaid_exit: Yes | None = later()
    unpaid_exit_days: Days | None = later()
    assignment_needs_consent: Yes | None = later()
    forum_region: Slug | None = later()
    forum_costs_on_community: Yes | None = later()
    annexes_missing: tuple[Text, ...] | None = later()
    silenced_to: tuple[Reader, ...] | None = later()
    community_has_copy: Yes | None = later()
    wages_stated: Yes | None = later()
    insurance_stated: Yes | None = later()
    minors_rule: Yes | None = later()
    sold_as_certified: Yes | None = later()
    chain_of_custody_code: Yes | None = later()
    buyer_certificate: Literal["valid", "suspended", "disassociated", "none"] | None = later()
    cites_evidence: Yes | None = later()
    seed_trees_included: Yes | None = later()
    census_m3: VolumeM3 | None = later()
    census_species_m3: Annotated[tuple[SpeciesCensus, ...], Field(min_length=1, max_length=100)] | None = later()
    area_ha: VolumeM3 | None = later()
    bidders: Count | None = later()
    first_contact_on: Day | None = later()

    @model_validator(mode="after")
    def _cites_what_there_is(self) -> Self:
        unknown = sorted(set(self.where) - (set(type(self).model_fields) - {"where"}))
        if unknown:
            raise Contradiction(f"terms.where.{unknown[0]}", "no fact has this name", "ningún hecho tiene este nombre")
        return self

    @model_validator(mode="after")
    def _census_sums(self) -> Self:
        counted = self.census_species_m3 or ()
        if len({one.species for one in counted}) != len(counted):
            raise Contradiction("terms.census_species_m3", "a species is there twice", "una especie está dos veces")
        whole = sum(one.volume_m3 for one in counted)
        if self.census_m3 is not None and whole > self.census_m3:
            raise Contradiction(
                "terms.census_species_m3",
                "the species are more than the whole census",
                "las especies suman más que el censo",
            )
        return self

    @model_validator(mode="after")
    def _dates_in_order(self) -> Self:
        if self.first_contact_on and self.signed_on and self.signed_on < self.first_contact_on:
            raise DatesOutOfOrder("terms.signed_on", "is before the first contact", "es anterior al primer contacto")
        if self.index_clause is False and self.index_shares is not None:
            raise Contradiction(
                "terms.index_shares", "there is no index clause", "no hay cláusula que actualice el precio"
            )
        return self
