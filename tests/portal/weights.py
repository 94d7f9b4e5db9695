"""``python -m tests.portal.weights --data DIR [--language en]``: what each page weighs on its first load, as the gateway sends it.

Over the running instance of DIR, on which the story of ``./timber demo`` is told first. A page with what it names for its
first look (styles, modules, pictures), compressed, each file counted; and the time until the last byte, of the median of three.
"""

import argparse
import re
import statistics
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import httpx

from deploy.instance import Instance
from tests.portal.screens import PLACES, places_of

# A verdict opens on a telephone at the edge of a network (issue of the portal): 60 KB.
OF_A_VERDICT = 60_000
NAMED = re.compile(r'<(?:link rel="(?:stylesheet|icon)"|script|img)[^>]*?(?:href|src)="(/[^"]+)"')


def named_by(page: str) -> list[str]:
    """What a browser fetches with a page before anybody touches it."""
    return list(dict.fromkeys(address.replace("&amp;", "&") for address in NAMED.findall(page)))


def sent(http: httpx.Client, path: str, cookies: Mapping[str, str]) -> tuple[int, str]:
    """The bytes that came over the wire for an address, and the page they are."""
    with http.stream("GET", path, cookies=dict(cookies)) as answer:
        raw = b"".join(answer.iter_raw())
    page = http.get(path, cookies=dict(cookies)).text if not path.startswith("/static/") else ""
    return len(raw), page


def weigh(http: httpx.Client, path: str, cookies: Mapping[str, str]) -> tuple[int, int, int, float]:
    """Bytes of the page, bytes with all it names, how many files, and milliseconds to the page's last byte."""
    own, page = sent(http, path, cookies)
    others = [sent(http, one, cookies)[0] for one in named_by(page)]
    took = []
    for _ in range(3):
        begun = time.perf_counter()
        http.get(path, cookies=dict(cookies))
        took.append(1000 * (time.perf_counter() - begun))
    return own, own + sum(others), 1 + len(others), statistics.median(took)


def main() -> None:
    """Print the table."""
    from tests.browser import Windows, a_browser

    parser = argparse.ArgumentParser(prog="tests.portal.weights")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--language", choices=("es", "en"), default="es")
    options = parser.parse_args()
    instance = Instance(options.data.resolve())
    names, cookies = places_of(instance), dict[str | None, dict[str, str]]({None: {}})
    with a_browser() as browser:
        windows = Windows(browser, instance.base_url, instance.logins().__getitem__)
        for who in {who for places in PLACES.values() for who, _ in places if who}:
            visitor = windows.visit(who, language=options.language)
            cookies[who] = {one["name"]: one["value"] for one in visitor.context.cookies()}
            windows.close()
    headers = {"accept-encoding": "gzip", "accept": "text/html", "accept-language": options.language}
    sys.stdout.write("| page | who | page, KB | first load, KB | files | ms |\n| --- | --- | --- | --- | --- | --- |\n")
    with httpx.Client(
        base_url=instance.base_url, trust_env=False, headers=headers, timeout=60, follow_redirects=True
    ) as http:
        for operation, places in PLACES.items():
            for who, path in places:
                own, whole, files, ms = weigh(http, path.format_map(names), cookies[who])
                line = f"{own / 1000:.1f} | {whole / 1000:.1f} | {files} | {ms:.0f}"
                sys.stdout.write(f"| {operation} | {who or '–'} | {line} |\n")


if __name__ == "__main__":
    main()
