"""Configuration files: what is shipped is sound, what is wrong is named with file and field."""

from __future__ import annotations

from pathlib import Path

import pytest

from domains import config
from domains.errors import InvalidRequest
from domains.federated.parts import SLACK_S
from domains.model import DomainKind

CONFIGS = Path(__file__).parents[2] / "deploy" / "configs"
FRONT = CONFIGS / "hierarchy" / "transport.toml"
"""Has no network of its own: its controllers have."""
FILES = sorted(
    path
    for path in [*CONFIGS.glob("*/*.toml"), *CONFIGS.glob("*/controllers/*.toml")]
    if path.name != "coordinator.toml" and path != FRONT
)


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_what_is_shipped_loads_and_has_capacity(path: Path) -> None:
    loaded = config.load(path)
    built = config.technology(loaded)
    assert built.kind is loaded.kind
    assert all(units > 0 for units in built.capacities().values())
    behind = path.parent.name == "controllers"
    assert loaded.ledger_limits.max_ttl_s == loaded.max_ttl_s == (600 if behind else 300)


def test_a_federated_domain_names_its_controllers_and_has_no_network_of_its_own() -> None:
    front = config.load(FRONT)
    assert front.federated is not None
    behind = {c.name: c for c in map(config.load, FRONT.parent.glob("controllers/*.toml"))}
    for named in front.federated.controllers:
        controller = behind.pop(named.name)
        assert (named.address, named.trust_domain) == (controller.listen, controller.trust_domain)
        assert controller.max_ttl_s >= front.max_ttl_s + SLACK_S
    assert not behind
    with pytest.raises(InvalidRequest, match="no network of its own"):
        config.technology(front)
    text = FRONT.read_text()
    for wrong, why in (
        (text.replace('kind = "transport"', 'kind = "core"'), "federated"),
        (text + "\n[transport]\n", "transport"),
        (text.replace("controller-west", "controller-north"), "same name"),
    ):
        with pytest.raises(InvalidRequest, match=why):
            config.parse(wrong, "front.toml")


@pytest.mark.parametrize("folder", ["germany", "federation"])
def test_names_addresses_and_trust_domains_are_each_domains_own(folder: str) -> None:
    loaded = [config.load(path) for path in FILES if path.parent.name == folder]
    for values in (
        [c.name for c in loaded],
        [c.listen for c in loaded],
        [c.trust_domain for c in loaded],
        [c.operator for c in loaded],
    ):
        assert len(set(values)) == len(values)


BAD = [
    ("access", 'name = "access-north"', 'name = "Access North"', "name", "pattern"),
    ("access", 'kind = "access"', 'kind = "core"', "the whole file", "[access]"),
    ("access", 'kind = "access"', 'kind = "satellite"', "kind", "access"),
    ("access", 'currency = "EUR"', 'currency = "USD"', "currency", "EUR"),
    ("access", "max_ttl_s = 300", "max_ttl_s = nan", "max_ttl_s", "finite"),
    ("access", "max_ttl_s = 300", "max_ttl_s = -1", "max_ttl_s", "greater than 0"),
    ("access", "max_ttl_s = 300", "max_ttl_s = 3_155_760_000", "max_ttl_s", "less than"),
    ("access", "max_ttl_s = 300", "max_ttl_s = 700", "the whole file", "retention_s"),
    ("access", "max_ttl_s = 300", "max_ttl_s = 300\ncolour = 1", "colour", "not permitted"),
    ("access", "127.0.0.1:50011", "127.0.0.1:99999", "listen", "host:port"),
    ("access", "127.0.0.1:50011", "localhost", "listen", "host:port"),
    ("access", 'area = "hamburg"\nb', 'area = "berlin"\nb', "access", "two for the same area"),
    ("access", 'area = "hamburg"\ns', 'area = "bremen"\ns', "access", "no gateway"),
    ("access", 'name = "n78-b2"', 'name = "n78-b1"', "access", "the same name"),
    ("access", "numerology = 1", "numerology = 4", "access.radio.numerology", "less than"),
    ("access", 'pattern = "DDDSU"', 'pattern = "DDDD"', "access.radio", "both directions"),
    ("access", 'pattern = "DDDSU"', 'pattern = "XYZ"', "access.radio.pattern", "pattern"),
    ("access", "prbs_per_sector = 273", "prbs_per_sector = 0", "access.radio.prbs", "greater"),
    ("access", "loss_ppb = 10_000", "loss_ppb = 0", "access.radio.modes.2.loss_ppb", "greater"),
    ("access", "sectors = 30", "sectors = -30", "access.cell_groups.0.sectors", "greater"),
    ("access", "sectors = 30", "sectors = 1.5", "access.cell_groups.0.sectors", "integer"),
    ("transport", "sndlib/germany50", "sndlib/atlantis", "transport", "sndlib/atlantis"),
    ("transport", "sndlib/germany50", "../../etc/passwd", "transport.topology", "pattern"),
    ("transport", 'node = "Hamburg"', 'node = "Rome"', "transport", "border_points.2.node"),
    ("transport", '"Berlin", "Leipzig"', '"Berlin", "Munich"', "transport", "links.0.between"),
    ("transport", "slot_kbps = 10_000", "slot_kbps = nan", "transport.slot_kbps", "finite"),
    ("transport", "[1_000, 2_000]", "[500]", "transport", "headroom_permille"),
    ("transport", 'faces = "core"', 'faces = "sky"', "transport.border_points.8.faces", "pattern"),
    ("transport", 'name = "bp-berlin-core"', 'name = "bp-berlin-ran"', "transport", "same name"),
    ("transport", "= 1_500\n", "= 150\n", "transport.fibre.route_factor_permille", "greater"),
    ("core", 'n6 = "bp-berlin-dn"', 'n6 = "bp-berlin-core"', "core", "same border point"),
    ("core", 'plane = "software"', 'plane = "magic"', "core", "no user plane 'magic'"),
    ("core", "sessions = 2_000_000", "sessions = 0", "core.sites.0.sessions", "greater"),
    ("core", "unavailable_ppb = 100_000 ", "unavailable_ppb = 10_000_000_000 ", "core.un", "less"),
    ("cloud", 'host = "standard"', 'host = "abacus"', "cloud", "no host 'abacus'"),
    ("cloud", 'name = "dc-m"', 'name = "dc-b"', "cloud", "data_centres: two"),
    ("cloud", 'zone = "munich-1"', 'zone = "berlin-1"', "cloud", "another area"),
    ("cloud", "cores = 8_192", "cores = inf", "cloud.data_centres.0.pools.0.cores", "finite"),
    ("cloud", "cpu_millicores = 2_000", "cpu_millicores = 0", "cloud.gateway.cpu", "greater"),
]


@pytest.mark.parametrize(("file", "before", "after", "field", "reason"), BAD)
def test_a_bad_file_is_refused_with_its_name_the_field_and_the_reason(
    file: str, before: str, after: str, field: str, reason: str
) -> None:
    text = (CONFIGS / "germany" / f"{file}.toml").read_text()
    if before not in text:
        pytest.fail(f"{before!r} is not in {file}.toml any more")
    with pytest.raises(InvalidRequest) as caught:
        config.parse(text.replace(before, after, 1), "some.toml")
    assert caught.value.message.startswith(f"some.toml: {field}")
    assert reason in caught.value.message


def test_a_missing_table_and_a_table_of_another_kind_are_refused() -> None:
    for kind in DomainKind:
        text = (CONFIGS / "germany" / f"{kind}.toml").read_text()
        common = text[: text.index(f"[{kind}]")]
        with pytest.raises(InvalidRequest, match=rf"table \[{kind}\] is missing"):
            config.parse(common, "bare.toml")


def test_what_cannot_be_read_is_refused_with_its_path(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match=r"nowhere\.toml: No such file"):
        config.load(tmp_path / "nowhere.toml")
    (tmp_path / "broken.toml").write_text("name = ")
    with pytest.raises(InvalidRequest, match=r"broken\.toml: not TOML"):
        config.load(tmp_path / "broken.toml")
    (tmp_path / "latin.toml").write_bytes(b'name = "\xfc"')
    with pytest.raises(InvalidRequest, match=r"latin\.toml: not UTF-8"):
        config.load(tmp_path / "latin.toml")
    (tmp_path / "huge.toml").write_bytes(b"#" * (config.FILE_BYTES_MAX + 1))
    with pytest.raises(InvalidRequest, match=r"huge\.toml: larger than"):
        config.load(tmp_path / "huge.toml")
    with pytest.raises(InvalidRequest, match="directory"):
        config.load(tmp_path)
