"""The templates of the pages: each becomes one HTML file, complete in itself."""

from functools import cache
from pathlib import Path

import jinja2

from cifar_repro.core.checkpoint import replacing
from cifar_repro.printable import printable
from cifar_repro.report.charts import number, percent, published_share
from cifar_repro.report.comparison import points


def write_page(path: Path, page: str) -> None:
    """All pages are written here."""
    with replacing(path) as file:
        file.write(printable(page).encode())


@cache
def template(name: str) -> jinja2.Template:
    """The template in this folder; what it shows is escaped, and what it is not given is an error."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("cifar_repro", "report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"percent": percent, "number": number, "published_share": published_share, "points": points}
    return environment.get_template(name)
