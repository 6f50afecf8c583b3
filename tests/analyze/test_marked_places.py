"""Below a finding stands its SQL, as wide as the terminal, with marks under what the finding is about."""

from io import StringIO

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from dataeng_assets.analyze.analysis import analyze
from dataeng_assets.analyze.engines import Engine
from dataeng_assets.analyze.output.table import rendered


def printed(sql: str, width: int) -> list[str]:
    console = Console(file=StringIO(), width=width)
    console.print(rendered([analyze(sql, Engine.POSTGRES)]))
    return console.file.getvalue().splitlines()


@given(
    st.integers(1, 60),
    st.integers(0, 60),
    st.integers(1, 40),
    st.sampled_from([40, 80, 132]),
    st.sampled_from(["", "\t"]),
)
def test_marks_stand_under_what_they_are_about_at_any_width(
    before: int, after: int, length: int, width: int, indent: str
) -> None:
    found = f"'{'v' * length}' = upper(name)"
    columns = ", ".join(f"c{number}" for number in range(before))
    rest = "".join(f" and d{number} = 1" for number in range(after))
    lines = printed(f"{indent}select {columns} from t where {found}{rest}", width)

    number = next(number for number, line in enumerate(lines) if "^" in line)
    start, end = lines[number].index("^"), lines[number].rindex("^") + 1
    marked = lines[number - 1][start:end]
    assert found.startswith(marked)
    assert marked == found or lines[number - 1].rstrip().endswith("…")
    assert lines[number - 1].startswith("     1 | ")
    assert all(len(line) <= width for line in lines)
