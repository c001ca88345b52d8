"""The command line: what it says of its commands and options, and what it prints."""

WORDS = {
    # the commands
    "description": "Credit decisions in microseconds from the scikit-learn model you already fitted.",
    "demo": "decide a handful of applicants, then measure and compare",
    "train": "train a model on a file of applicants",
    "compile": "make a model file of a fitted pipeline",
    "score": "decide on the rows of a file",
    "inspect": "show what a model file holds",
    "audit": "verify or replay a decision log",
    "serve": "put a model on the wire, with a form and a live dashboard",
    "key": "make an API key for the server",
    "verify": "find altered, removed or reordered lines, across rotations",
    "replay": "score the logged values again and name every difference",
    # their options
    "help_language": "language of all that is shown",
    "command": "COMMAND",
    "action": "ACTION",
    "label": "LABEL",
    "types": "TYPES",
    "help_model": "model file",
    "help_log": "the log, as audit_file names it; its other files are found",
    "help_anchor": "digest of a line, noted down elsewhere, that must be there; may be repeated",
    "help_anchor_file": "file with a digest on each line, alone or behind the id of its line",
    "export": "writes the decisions to a Parquet, CSV or JSON lines file",
    "find": "shows the decisions on one request",
    "help_request_id": "id of the request",
    "help_export": "output file: .parquet, .csv or .jsonl",
    "exported": "{number:,} decisions: {path}",
    "not_found": "there is no decision on {request_id}",
    "forget": "erases an applicant's values for ever; the lines stay, and the chain still verifies",
    "forgotten": "{number:,} decisions on {request_id} are without their values from now on",
    "nothing_forgotten": "there are no values to forget on {request_id}",
    "prune": "deletes old full files; a signed stub stays, and the chain still verifies",
    "archive": "moves full files to another folder; a signed stub stays",
    "help_keep_files": "how many full files stay",
    "help_keep_days": "how many days they stay",
    "help_archive": "folder to move them to",
    "taken_away": "{number:,} files taken away",
    "help_audit_key_file": "file with the key of the chain",
    "help_pipeline": "joblib file with the fitted pipeline",
    "help_trust_file": (
        "read the file although that runs whatever code it holds: only if you know who wrote it"
    ),
    "help_reference": (
        "CSV, Parquet, Arrow or JSON lines file with rows of the kind that it was fitted on, best those themselves: for the "
        "schema, the comparison with scikit-learn, reasons and drift"
    ),
    "help_sign_key_file": "file with a key to sign the model file with",
    "help_write_pickle": (
        "write what skops can't store as a pickle; needs --key-file, for writing and reading"
    ),
    "help_records": "records to measure (%(default)s)",
    "help_seed": "of the synthetic applicants (%(default)s)",
    "help_json": "print JSON",
    "help_name_of_key": "who it is for; it stands in logs and counts for limits",
    "help_scopes": "score, metrics, admin, separated by commas (%(default)s)",
    "help_sep": "separator of a CSV file (a comma; a tab for .tsv)",
    "help_encoding": "encoding (%(default)s)",
    "help_output": "the model file to write",
    "help_name": "the model's name (%(default)s)",
    "help_version": "the model's version (%(default)s)",
    "help_review_at": "probability that is reviewed (%(default)s)",
    "help_decline_at": "probability that is declined (%(default)s)",
    "help_positive": (
        "the label that means default; needed where the labels are not 0 and 1, or False and True"
    ),
    "help_key_file": "file with the key that the model file was signed with",
    "help_trust": "types to allow in a model that could not be compiled, separated by commas",
    "help_read_pickle": (
        "read a model that is a pickle, which runs the code in it; the file has to be signed"
    ),
    "help_data": "file with one applicant a row: CSV or JSON lines (also .gz, .bz2, .xz, .zst, .zip), Parquet or Arrow",
    "help_prefer": "the best, or the simplest within one standard error of it",
    "help_groups": "column whose rows of one value stay together; it is no field",
    "help_split": "column of dates: validation in the order of time, and a test on the latest; it is no field",
    "help_time_limit": "seconds that the comparison may take",
    "help_protected": "fields that the law protects, separated by commas",
    "help_monotone": "fields with which the risk must rise (=1) or fall (=-1): ingresos=-1,moras=1",
    "help_missing": (
        "values that mean missing, besides the empty cell, separated by commas: NA,-9 (--missing=-9 where the first is negative)"
    ),
    "help_decided": "file to write, a row for each good row; its ending says what it becomes, as for the file that is read",
    "help_bad": "file for bad rows, with the reason (OUTPUT with .bad before its ending)",
    "column": "COLUMN",
    "help_id_column": "column with the id of each request, which is no field of the model; comes out as request_id",
    "help_keep": "columns to carry over, separated by commas",
    "help_reasons": "add the reasons (slower)",
    "help_allow_missing": (
        "decide although a column is missing that the model uses: every value of it is missing then"
    ),
    "help_served_model": "model file (the shipped one, trained on synthetic applicants)",
    "help_serve_pickle": (
        "serve a model that is a pickle, which runs the code in it; the file has to be signed"
    ),
    "help_host": "address to listen on (127.0.0.1)",
    "help_port": "port to listen on (5000); 0 for any that is free",
    "help_workers": "processes that share the port (1)",
    "help_settings": "JSON file with settings",
    "help_without_keys": (
        "answer other machines although no API keys are set: whoever reaches the port may use it"
    ),
    "help_target": "the column that says who fell into arrears",
    "help_kind": "kind of model (%(default)s)",
    # what they print
    "interrupted": "interrupted",
    "demo_model": "Model {model}, trained on synthetic applicants. Five more of them:",
    "demo_asked": "{amount:,.0f} pesos over {months} months, age {age}",
    "demo_probability": "probability of default {probability:6.1%}",
    "demo_records": "{number:,} records, one by one (validate, transform, predict, decide, four reasons):",
    "demo_original": "The scikit-learn pipeline it came from, on one-row frames:",
    "demo_only": "predicting only",
    "demo_faster": "{times:.0f} times faster; largest difference in probability {gap:.1e}",
    "demo_differs": "The shipped model does not answer as its pipeline does.",
    "written": "written: {path}",
    "rows_decided": "{number:,} rows decided: {path}",
    "bad_rows": "{number:,} bad rows: {path}",
    "trained_on": "{rows:,} rows, {fields} fields, {rate:.1%} in arrears",
    "own_categories": (
        "{names}: most rows have a category of their own; identifiers, or numbers with a decimal comma?"
    ),
    "digest": "digest",
    "policy": "policy",
    "policy_of": "review at {review:.0%}, decline at {decline:.0%}",
    "trained": "trained",
    "field": "field",
    "seen": "; seen {low:.6g} to {high:.6g}",
    "key_row": "key",
    "model": "model",
    "sample": " (a sample: it learned from made-up applicants)",
    "form": "form",
    "dashboard": "dashboard",
    "interface": "description",
    "decisions": "decisions",
    "not_kept": "not kept",
    "keys": "keys",
    "none": "none",
}
