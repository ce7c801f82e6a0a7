"""What a conversation asks of the coordinator, over the tenants' own gRPC API and certificate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from coordinator.conversation.desk import Progress
from coordinator.conversation.model import MadeSlice, Quote
from coordinator.model import ServiceProfile, ServiceRelaxation
from deploy.account import Account
from deploy.client import Order, Tenant
from deploy.plain import Plain
from deploy.recall import AccountOf
from domains.errors import Unreachable
from domains.model import Attribute, Isolation, Metrics, Relaxation


@dataclass(frozen=True, slots=True)
class CoordinatorDesk:
    """A `Desk`. `account` is asked each time: a coordinator may come and go meanwhile."""

    account: Callable[[], Account]

    async def quote(self, profiles: Sequence[ServiceProfile]) -> Quote:
        """See `Desk`."""
        async with Tenant(self.account()) as tenant:
            found = await tenant.settle(await tenant.quote(profiles))
        if found.error is not None:
            raise found.error
        agreed = found.proposal["services"] if found.proposal else ()
        relaxed = [
            _relaxed(profile, plain) for profile, plain in zip(profiles, agreed, strict=False)
        ]
        return Quote(
            tuple(relaxed) or tuple(profiles),
            tuple(_metrics(item["metrics"]) for item in found.slices),
            tuple(map(_relaxation, found.proposal["relaxations"] if found.proposal else ())),
        )

    async def order(
        self,
        request_id: str,
        profiles: Sequence[ServiceProfile],
        words: Sequence[str],
        progress: Progress,
    ) -> Sequence[MadeSlice]:
        """See `Desk`."""

        def show(event: Plain) -> None:
            text, domain = event["text"], event["domain"]
            progress(text if text.startswith(domain) else f"{domain} {text}")

        async with Tenant(self.account()) as tenant:
            found: Order = await tenant.order(profiles, request_id, words)
            found = await tenant.settle(found, show)
        if found.error is not None:
            raise found.error
        return [_made(item) for item in found.slices]

    async def slices(self) -> Sequence[MadeSlice]:
        """See `Desk`."""
        async with Tenant(self.account()) as tenant:
            return [_made(item) for item in await tenant.slices()]


def desk_of(account_of: AccountOf, tenant: str) -> CoordinatorDesk:
    """The desk of a tenant at whatever coordinator runs when it is asked."""

    def found() -> Account:
        account = account_of(tenant)
        if account is None:
            raise Unreachable("no coordinator runs here; entente up starts one")
        return account

    return CoordinatorDesk(found)


def _made(item: Plain) -> MadeSlice:
    agreed = item["agreed"] or item["requested"] or {}
    return MadeSlice(
        name=item["name"],
        service=agreed.get("name", ""),
        state=item["state"],
        metrics=_metrics(item["metrics"]) if item["metrics"] else None,
        domains=tuple(segment["domain"] for segment in item["segments"]),
    )


def _metrics(plain: Plain) -> Metrics:
    return Metrics(**{field: plain[field] for field in Metrics.__dataclass_fields__})


def _relaxation(plain: Plain) -> ServiceRelaxation:
    return ServiceRelaxation(
        plain["service"], _one(plain["relaxation"]), plain["domain"], _one(plain["at_domain"])
    )


def _one(plain: Plain) -> Relaxation:
    return Relaxation(Attribute(plain["attribute"]), plain["requested"], plain["achievable"])


_MAY_GIVE = ("latency_us_max", "availability_ppb_min", "downlink_kbps", "uplink_kbps", "devices")


def _relaxed(profile: ServiceProfile, plain: Plain) -> ServiceProfile:
    """The profile as it was asked for, with what has to give as it can be had."""
    given = {field: plain[field] for field in _MAY_GIVE}
    return replace(
        profile,
        **given,
        isolation=Isolation(plain["isolation"]) if plain["isolation"] else profile.isolation,
        price_micros_max=plain["price_micros_max"] or profile.price_micros_max,
    )
