"""`python -m deploy.press [--write]`: docs/press-cases.md, what each community of the press would have read."""

import argparse
from typing import Any

from deploy.appraise import answer
from deploy.instance import CHECKOUT
from deploy.press import body, facts

PAGE = CHECKOUT / "docs" / "press-cases.md"
HEAD = """# What communities of the press would have read

Made by `python -m deploy.press --write` from `deploy/press/cases.json`; a test makes it again and asks the service the same. The cases
are contracts that newspapers reported. No community, company or place is named, and the pages they come from are cited by
newspaper only, because their addresses name people. The prices are the press's; **what it does not say is assumed**, said so
beside each case, and illustrative: with other costs or another rule the figures are others. They accuse nobody.

| case | verdict | paid by m³ | fair by m³ | loss | of the boards' value |
| --- | --- | --- | --- | --- | --- |
"""


def page() -> str:
    """The whole page."""
    found = [(case, answer(body(case["name"]))) for case in facts()["cases"]]
    return HEAD + "".join(_row(case, one) for case, one in found) + "".join(_told(case, one) for case, one in found)


def _row(case: Any, found: Any) -> str:
    total = found["total"]
    fair = f"{_soles(total['fair_low_m3'])} – {_soles(total['fair_high_m3'])}"
    cells = (
        case["en"],
        f"`{found['verdict']}`",
        _soles(total["net_m3"]),
        fair,
        _soles(total["loss_mid"]),
        _percent(total),
    )
    return f"| {' | '.join(cells)} |\n"


def _told(case: Any, found: Any) -> str:
    press = facts()["press"][case["press"]]
    parts = [f"\n## {case['en']}\n\n*{case['es']}.* Press: {press['source']}.\n\nAssumed:\n"]
    for name in case["assumed"]:
        one = facts()["assumed"][name]
        parts.append(f"- {one['en']} *{one['es']}* ({one['source']})\n")
    raised = ", ".join(f"{flag['code']} ({flag['title_en']})" for flag in found["flags"] if flag["state"] == "raised")
    unknown = sum(flag["state"] == "unknown" for flag in found["flags"])
    parts.append(f"\nFlags raised: {raised}. Unknown, because nobody said: {unknown} of {len(found['flags'])}.\n")
    for language, name in (("es", "En español"), ("en", "In English")):
        text = found["text"][language]
        parts.append(f"\n**{name}.** {text['headline']} {' '.join(text['sentences'])}\n\n> {text['sms']}\n")
    return "".join(parts)


def _soles(money: Any) -> str:
    return "–" if money is None else f"S/ {float(money['amount']):,.2f}"


def _percent(total: Any) -> str:
    return "–" if total["value_share"] is None else f"{float(total['value_share']) * 100:.1f} %"


def main() -> None:
    """Print the page, or write it."""
    options = argparse.ArgumentParser(prog="python -m deploy.press", description=__doc__)
    options.add_argument("--write", action="store_true")
    if options.parse_args().write:
        PAGE.write_text(page(), encoding="utf-8")
    else:
        print(page(), end="")


if __name__ == "__main__":
    main()
