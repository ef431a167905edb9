"""Measure 3: dry runs per second and per CPU second, `serve < file > file`."""

from __future__ import annotations

import instructions

from .bench import Bench
from .counts import instructions as count_instructions
from .process import Run, interleaved, medians, run
from .programs import Program
from .table import Figure, note, print_table, quotient, ratio
from .verify import check_dry_runs, digest
from .workload import write_dry_runs

LINES = 200_000
SIMDJSON = "C++ simdjson"


def measure(bench: Bench) -> list[Figure]:
    source = write_dry_runs(bench.folder, LINES)
    output = bench.folder / "replies.jsonl"
    digests: dict[str, str] = {}
    floor = bench.floor("dryrun.cpp")
    programs = [*bench.hosts, *([Program(SIMDJSON, [str(floor)])] if floor else [])]

    def once(program: Program) -> Run:
        done = run(program.name, program.serving(bench.dry_connections), source, output)
        check_dry_runs(program.name, output, LINES)
        if program.name not in digests:
            digests[program.name] = digest(output)
        output.unlink()
        return done

    done = interleaved(bench.runs, {each.name: lambda each=each: once(each) for each in programs})
    return [*_report(medians(done), digests, bench.runs), _instructions(bench, programs)]


def _instructions(bench: Bench, programs: list[Program]) -> Figure:
    what = "dry run: instructions per line"
    if not bench.counter:
        return Figure(3, what, None, 14_000, "instructions")
    line = instructions.dry_run_line(bench.counter)
    if programs[-1].name == SIMDJSON:
        few, many = (write_dry_runs(bench.folder, count) for count in (1_000, 5_000))
        command = programs[-1].serving(bench.dry_connections)
        floor = (count_instructions(command, many) - count_instructions(command, few)) // 4_000
        note(f"Instructions per line: Sallyport {line:,}, {SIMDJSON} {floor:,}.")
    return Figure(3, what, line, 14_000, "instructions")


def _report(done: dict[str, Run], digests: dict[str, str], runs: int) -> list[Figure]:
    rate = {name: LINES / run.wall for name, run in done.items()}
    per_cpu = {name: LINES / run.cpu for name, run in done.items()}
    rows = [
        [
            name,
            f"{done[name].wall:.3f}",
            f"{rate[name]:,.0f}",
            ratio(rate[name], rate.get("Go")),
            ratio(rate[name], rate.get("Python")),
            ratio(rate[name], rate.get(SIMDJSON)),
            f"{done[name].cpu:.3f}",
            f"{per_cpu[name]:,.0f}",
            ratio(per_cpu[name], per_cpu.get("Go")),
            ratio(per_cpu[name], per_cpu.get("Python")),
        ]
        for name in done
    ]
    header = [
        *("host", "wall s", "lines/s", "to Go", "to Python", "to simdjson"),
        *("CPU s", "lines/CPU s", "to Go", "to Python"),
    ]
    print_table(
        f"3. {LINES:,} `invoke` lines with `dry_run` (medians of {runs} interleaved runs)",
        header,
        rows,
    )
    if len(set(digests.values())) == 1:
        note("Every id got exactly one response; all hosts planned the same requests.")
    else:
        differing = ", ".join(f"{name} {text}" for name, text in digests.items())
        note(f"WARNING: the hosts planned different requests: {differing}")
    own, own_cpu = rate["Sallyport"], per_cpu["Sallyport"]
    pool = "Go, 64 workers"
    if pool in rate:
        note(
            f"To {pool}: {own / rate[pool]:.2f}x lines/s, {own_cpu / per_cpu[pool]:.2f}x lines per "
            "CPU s. The targets refer to one goroutine per line."
        )
    cpu_to_go = quotient(own_cpu, per_cpu.get("Go"))
    to_go, to_python = quotient(own, rate.get("Go")), quotient(own, rate.get("Python"))
    return [
        Figure(3, "dry run: lines/s to Go", to_go, 5, at_least=True),
        Figure(3, "dry run: lines per CPU s to Go", cpu_to_go, 10, at_least=True),
        Figure(3, "dry run: lines/s to Python orjson", to_python, 3, at_least=True),
    ]
