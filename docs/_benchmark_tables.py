"""``.. benchmark-tables::``: the committed results of ``benchmarks/results`` as sections with tables."""

from typing import Any

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from benchmarks.harness.results import FOLDER, ResultsError, read_records
from benchmarks.harness.rst import page


class BenchmarkTables(SphinxDirective):
    """Insert all committed results; a damaged file is an error of the build that names it."""

    def run(self) -> list[nodes.Node]:
        self.env.note_reread()  # a new file of results is no dependency yet
        try:
            records = read_records(FOLDER)
        except ResultsError as error:
            raise self.error(str(error)) from error
        return self.parse_text_to_nodes(page(records), allow_section_headings=True)


def setup(app: Any) -> dict[str, bool]:
    """Register with Sphinx."""
    app.add_directive("benchmark-tables", BenchmarkTables)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
