"""The decision log: what its verification and its replay say."""

WORDS = {
    "sound": "SOUND",
    "altered": "ALTERED",
    "summary": "{state}: {lines} in {files}, {decisions}, {lost} not logged",
    "line": "{number} line",
    "lines": "{number} lines",
    "file": "{number} file",
    "files": "{number} files",
    "decision": "{number} decision",
    "decisions": "{number} decisions",
    "byte": "{number} byte",
    "bytes": "{number} bytes",
    "problem": "{number} problem",
    "problems": "{number} problems",
    "strange": "no line agrees: is this the key of the log?",
    "torn": "last line half-written: {bytes}",
    "more": "… and {problems} more",
    "last_line": "last line: {last} {digest}",
    "no_line": "none",
    "other_chain": "the line is of another chain",
    "wrong_previous": "the line before is not the one that it was",
    "wrong_digest": "the line does not agree with its digest",
    "not_as_written": "the line is not the one that was written",
    "repeated": "line {number} stands there twice",
    "moved": "line {number} is out of its place",
    "other_log": "the log is not the one that was being written",
    "no_anchor": "the line whose digest was noted down is not there",
    "missing_line": "line {first} is missing",
    "missing_lines": "lines {first} to {last} are missing",
    "replayed": (
        "{replayed} decisions replayed, {differences} differences, {without_values} without values, "
        "{degraded} degraded, {unreadable} unreadable lines"
    ),
}
