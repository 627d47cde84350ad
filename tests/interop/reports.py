"""What the checks of the other files here share: finding jwtrail's report in what it printed."""

import json

ACCUSED = {"dropped", "changed", "failed"}


def last_report(out):
    """The last JSON object with hops in the text, None where there is none."""
    decoder, found, at = json.JSONDecoder(), None, 0
    while (at := out.find("{", at)) >= 0:
        try:
            value, at = decoder.raw_decode(out, at)
        except json.JSONDecodeError:
            at += 1
            continue
        if isinstance(value, dict) and "hops" in value:
            found = value
    return found


def service(side):
    """The name of one end of a hop; None where nobody was seen there."""
    return side and side["service"]
