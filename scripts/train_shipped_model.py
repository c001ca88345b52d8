"""Train the shipped model on synthetic applicants and write its file: the same file each time."""

from morosidad.shipped import PATH, train_scorer

scorer = train_scorer()
PATH.parent.mkdir(exist_ok=True)
scorer.save(PATH)
print(f"{PATH.name}: {PATH.stat().st_size:,} bytes\n{scorer.plan}")
