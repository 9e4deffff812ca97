"""Reads the Parquet of an output folder back and compares every value with the CSV or the log beside it.

python3 tests/parquet.py FOLDER...     needs pyarrow; tries pandas, Polars and DuckDB where they are installed

Imports nothing of the program. Ends with 1 and the place of the first difference.
"""

import csv
import decimal
import importlib.util
import json
import pathlib
import sys

import pyarrow as pa
import pyarrow.parquet as pq

WHOLE, FLOAT, TEXT, FLAG = pa.int64(), pa.float64(), pa.string(), pa.bool_()


def fail(place, message):
    sys.exit(f"{place}: {message}")


def same(kind, value, text):
    """Whether a value of a column is what a text says; an empty text is null, or an empty text."""
    if text in ("", None):
        return value is None or value == ""
    if value is None:
        return False
    if kind == FLAG:
        return value == (text == "true")
    if kind == WHOLE:
        return value == int(text)
    if kind == FLOAT:
        return value == float(text)
    if pa.types.is_decimal(kind):
        return value == decimal.Decimal(text)
    return value == text


def described(path, schema):
    """Every amount and price has its unit, said by the column and by the file."""
    told = {key.decode(): value.decode() for key, value in (schema.metadata or {}).items()}
    for key in ("scenario", "scenario_hash", "seed", "currency"):
        if key not in told:
            fail(path, f"the file does not say its {key}")
    for field in schema:
        unit = (field.metadata or {}).get(b"unit", b"").decode()
        if pa.types.is_decimal(field.type) and not unit:
            fail(path, f"column {field.name} has no unit")
        if told.get(f"unit:{field.name}", "") != unit:
            fail(path, f"column {field.name} has two units")


def read(path):
    file = pq.ParquetFile(path)
    if not file.metadata.created_by.startswith("flashcrash "):
        fail(path, f"created by {file.metadata.created_by}")
    table = file.read()
    described(path, table.schema)
    return table


def compare_csv(path, table):
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    names, rows = rows[0], rows[1:]
    if table.column_names != names or table.num_rows != len(rows):
        fail(path, f"{table.num_rows} rows of {table.column_names} against {len(rows)} of {names}")
    for at, field in enumerate(table.schema):
        for number, (value, row) in enumerate(zip(table.column(at).to_pylist(), rows, strict=True), 2):
            if not same(field.type, value, row[at]):
                fail(path, f"line {number}, column {field.name}: {value!r} against {row[at]!r}")
    return len(rows) * len(names)


def compare_log(path, table):
    with open(path, encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    first, facts = lines[0], [line for line in lines[1:] if line["fact"] != "totals"]
    if table.num_rows != len(facts):
        fail(path, f"{table.num_rows} rows against {len(facts)} facts")
    columns = {name: table.column(name).to_pylist() for name in table.column_names}
    checked = 0
    for number, fact in enumerate(facts):
        flat = {"path": first["path"]}
        for name, value in fact.items():
            flat.update({f"{name}_{part}": v for part, v in value.items()} if isinstance(value, dict) else {name: value})
        for field in table.schema:
            value, wanted = columns[field.name][number], flat.pop(field.name, None)
            told = value == wanted if isinstance(wanted, (bool, int)) else same(field.type, value, wanted)
            if not told:
                fail(path, f"fact {number}, {field.name}: {value!r} against {wanted!r}")
            checked += 1
        if flat:
            fail(path, f"fact {number}: {sorted(flat)} have no column")
    return checked


def others(path, table):
    """Other readers see the same number of rows, the same columns and the same sum of every exact column."""
    exact = [field.name for field in table.schema if pa.types.is_decimal(field.type)]
    sums = {name: sum(v for v in table.column(name).to_pylist() if v is not None) for name in exact}
    used = []
    if importlib.util.find_spec("pandas"):
        import pandas
        frame = pandas.read_parquet(path)
        if list(frame.columns) != table.column_names or len(frame) != table.num_rows:
            fail(path, "pandas reads another table")
        used.append("pandas")
        if any(sum(v for v in frame[name] if v is not None) != total for name, total in sums.items()):
            fail(path, "pandas reads other amounts")
    if importlib.util.find_spec("polars"):
        import polars
        frame = polars.read_parquet(path)
        if frame.columns != table.column_names or len(frame) != table.num_rows:
            fail(path, "Polars reads another table")
        if any((frame[name].sum() or 0) != total for name, total in sums.items()):
            fail(path, "Polars reads other amounts")
        used.append("polars")
    if importlib.util.find_spec("duckdb"):
        import duckdb
        rows = duckdb.sql(f"select * from '{path}'").fetchall()
        names = [column[0] for column in duckdb.sql(f"describe select * from '{path}'").fetchall()]
        if names != table.column_names or len(rows) != table.num_rows:
            fail(path, "DuckDB reads another table")
        for name, total in sums.items():
            at = names.index(name)
            if sum(row[at] for row in rows if row[at] is not None) != total:
                fail(path, f"DuckDB reads another {name}")
        used.append("duckdb")
    return used


def main():
    files = values = 0
    readers = {"pyarrow"}
    for folder in map(pathlib.Path, sys.argv[1:]):
        for path in sorted(folder.rglob("*.parquet")):
            table = read(path)
            beside = path.with_suffix(".csv")
            compare = compare_csv(beside, table) if beside.exists() else compare_log(path.with_suffix(".jsonl"), table)
            values += compare
            files += 1
            readers.update(others(path, table))
    print(f"{files} files, {values} values are those of the tables beside them; read by {', '.join(sorted(readers))}")


main()
