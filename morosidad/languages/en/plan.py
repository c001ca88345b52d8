"""The plan of a scorer: what is said of how it answers."""

WORDS = {
    "model": "model",
    "default": "default",
    "answers": "answers",
    "note": "note",
    "why": "why",
    "fields": "fields",
    "parity": "parity",
    "reasons": "reasons",
    "cache": "cache",
    "latency": "latency",
    "form_by": "{form}, evaluated by {backend}",
    "compiled": "compiled ({form})",
    "original": "the original, on a frame of one row",
    "fields_of": "{number}, required: {required}",
    "none": "none",
    "not_checked": "not checked",
    "latency_of": "{duration} from values to decision",
    "unknown_time": "unknown time",
    "own_rows": "{own} own rows one at a time, {batch} in one batch, ",
    "parity_of": (
        "{own}{rows} made rows, |Δp| ≤ {difference:.1e} (allowed {tolerance:.0e}), {labels} labels "
        "differ, {refused} refused by the original"
    ),
    "reasons_sampled": "sampled: {sample}, in {duration}",
    "reasons_not_compiled": "none: the model is not compiled; reasons='sampled' asks the original",
    "reasons_no_reference": "none: the model file holds no reference",
    "reasons_scale": "contributions per field, on the scale of {scale}",
}
