"""Connect times against round trips, in virtual time."""

from .processes import lines_of
from .programs import ours
from .results import Table, Topic


def measure(options):
    lines = lines_of(ours("connect")("all"))
    profiles = list(dict.fromkeys(line["profile"] for line in lines))
    tables = []
    for place in dict.fromkeys(line["place"] for line in lines):
        table = Table(["round trip, ms", *profiles], title=f"{place[0].upper()}{place[1:]}:")
        for round_trip in dict.fromkeys(line["roundTrip"] for line in lines):
            cells = [
                f"{line['connected'] / round_trip:.2f} / {line['completed'] / round_trip:.2f}"
                for line in lines
                if (line["place"], line["roundTrip"]) == (place, round_trip)
            ]
            table.add(str(round_trip), *cells)
        tables.append(table)
    return Topic(
        "Connect time against round trips",
        "Two clients and a STUN server on the simulated network, in virtual time, where signalling and computing take none: round trips "
        "from the start of both until both are connected, and until both have nominated and know all candidates. Each profile is named "
        "with its nomination. [connect-times.md](connect-times.md) has times through real kernels, beside other stacks'.",
        tables,
    )
