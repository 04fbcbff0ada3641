"""The statistics of `test_oracle.py` once more, in plain SQL: nothing here knows how the job computes them."""

from collections.abc import Iterator

from pyspark.sql import SparkSession

SHARDS, SALT, CAP = 8, "pepper", 6
DIMENSIONS = ("country", "device", "campaign")
SLICES = ((), ("country",), ("country", "device"), ("campaign",))

# Column of each score, its weight, label, condition and scale.
PAIRS = {
    ("ctr", "champion"): ("p_click", "1D", "click", "true", "probability"),
    ("ctr", "candidate"): ("z_click", "1D", "click", "true", "logit"),
    ("ctr_by_bid", "champion"): ("p_click", "bid", "click", "true", "probability"),
    ("ctr_by_bid", "candidate"): ("z_click", "bid", "click", "true", "logit"),
    ("cvr", "champion"): ("p_sale", "1D", "sale", "click = 1D", "probability"),
    ("liking", "champion"): ("p_like", "bid", "likes", "true", "probability"),
    ("liking", "candidate"): ("z_like", "bid", "likes", "true", "logit"),
}

# A click counts from the impression on, for an hour; a sale for two days. A line is one row of the log.
LABELLED = """
WITH day AS (
  SELECT * FROM impressions
  WHERE ts IS NULL OR (ts >= TIMESTAMP '2026-03-18 00:00:00Z' AND ts < TIMESTAMP '2026-03-19 00:00:00Z')
),
sound AS (SELECT * FROM day WHERE id IS NOT NULL AND ts IS NOT NULL AND likes BETWEEN 0D AND 1D),
clicked AS (
  SELECT DISTINCT line FROM sound JOIN clicks ON imp = id AND at >= ts AND at < ts + INTERVAL 1 HOUR
),
sold AS (
  SELECT DISTINCT line FROM sound JOIN sales ON imp = id AND at >= ts AND at < ts + INTERVAL 48 HOURS
),
"""

# Of several copies: the earliest, then the highest labels, then the smallest hash of all configured columns, of which
# weights and scores go by name.
DEDUPLICATED = """
hashed AS (
  SELECT s.*, if(c.line IS NULL, 0D, 1D) AS click, if(b.line IS NULL, 0D, 1D) AS sale, xxhash64({hashed}) AS hash
  FROM sound s LEFT JOIN clicked c ON s.line = c.line LEFT JOIN sold b ON s.line = b.line
),
ranked AS (
  SELECT *, row_number() OVER (
    PARTITION BY id ORDER BY ts, click DESC, sale DESC, likes DESC, hash
  ) AS copy FROM hashed
),
"""
HASHED = ("id", "ts", "user", *DIMENSIONS, "likes", "bid", "p_click", "p_like", "p_sale", "z_click", "z_like")
ENCODED = "replace(replace(replace({0}, '%', '%25'), ',', '%2C'), '=', '%3D')"
VALUE = (
    "CASE WHEN {0} IS NULL THEN '(null)' WHEN startswith({0}, '(') THEN concat('%28', substr(" + ENCODED + ", 2)) "
    "ELSE " + ENCODED + " END"
)

# Copies and rejected rows count among the rows of a campaign too.
PLACED = """
frequent AS (
  SELECT campaign FROM day WHERE campaign IS NOT NULL GROUP BY campaign
  ORDER BY count(*) DESC, cast(campaign AS string) LIMIT {cap}
),
placed AS (
  SELECT r.* EXCEPT (country, device, campaign),
    {country} AS country, {device} AS device,
    CASE WHEN r.campaign IS NULL THEN '(null)' WHEN f.campaign IS NULL THEN '(other)'
      ELSE cast(r.campaign AS string) END AS campaign,
    cast(pmod(xxhash64('{salt}', coalesce(cast(user AS string), id)), {shards}) AS int) AS shard
  FROM ranked r LEFT JOIN frequent f ON r.campaign = f.campaign WHERE copy = 1
)
SELECT * FROM placed
"""

LOSSES = {
    "probability": {
        "usable": "NOT isnan(s) AND s BETWEEN 0D AND 1D",
        "hard_zero": "s = 0D",
        "hard_one": "s = 1D",
        "p": "s",
        "c": "1D - s",
        "positive_loss": "-ln(s)",
        "negative_loss": "-log1p(-s)",
    },
    "logit": {
        "usable": "NOT isnan(s) AND (abs(s) < 524288D OR abs(s) = double('Infinity'))",
        "hard_zero": "s = double('-Infinity')",
        "hard_one": "s = double('Infinity')",
        "p": "if(s < 0D, exp(-abs(s)), 1D) / (1D + exp(-abs(s)))",
        "c": "if(s > 0D, exp(-abs(s)), 1D) / (1D + exp(-abs(s)))",
        "positive_loss": "greatest(-s, 0D) + log1p(exp(-abs(s)))",
        "negative_loss": "greatest(s, 0D) + log1p(exp(-abs(s)))",
    },
}

# From the inside: the columns of a pair, whether they can be used, the numbers with which they are, what those that
# cannot weigh, both losses. Weights are summed in a unit: the heaviest bid is 2^20, and in twos it is below.
UNITS = {"1D": "1D", "bid": "2D"}
PAIR = """
SELECT '{task}' AS task, '{model}' AS model, country, device, campaign, shard, y, w, v, {unit} AS unit,
  usable, hard_zero, hard_one, p, c,
  if(hard_zero OR hard_one OR y = 0D, 0D, {positive_loss}) AS a,
  if(hard_zero OR hard_one OR y = 1D, 0D, {negative_loss}) AS b,
  if(hard_zero OR hard_one OR y = 0D, 0D, {negative_loss}) AS d
FROM (
  SELECT *, {hard_zero} AS hard_zero, {hard_one} AS hard_one, {p} AS p, {c} AS c FROM (
    SELECT * EXCEPT (s, w), if(usable, s, 0.5D) AS s, if(usable, w, 0D) AS w,
      if(sound AND NOT usable, w, 0D) AS v FROM (
      SELECT *, coalesce({usable} AND sound, false) AS usable FROM (
        SELECT * EXCEPT (w), w / {unit} AS w, coalesce(w >= 0D AND w < double('Infinity'), false) AS sound FROM (
          SELECT *, {score} AS s, {weight} AS w, {label} AS y FROM examples WHERE {given}
)))))
"""

# Rows that cannot be used have weight 0, so that they add nothing but to `unscored` and its weight.
TERMS = {
    "unscored_weight": "v",
    "weight": "w",
    "squared_weight": "w * w",
    "positive_weight": "w * y",
    "negative_weight": "w * (1D - y)",
    "score_sum": "w * p",
    "absolute_error": "w * abs(y * c - (1D - y) * p)",
    "positive_score_sum": "w * (y * p)",
    "negative_score_sum": "w * ((1D - y) * p)",
    "squared_error": "w * ((y * c - (1D - y) * p) * (y * c - (1D - y) * p))",
    "positive_nll": "w * (y * a)",
    "negative_nll": "w * ((1D - y) * b)",
    "positive_complement_nll": "w * (y * d)",
    "squared_nll": "w * (least(y * a + (1D - y) * b, 1000D) * least(y * a + (1D - y) * b, 1000D))",
    "score_variance": "w * w * (p * c)",
    "spiegelhalter_sum": "w * ((y * c - (1D - y) * p) * (c - p))",
    "spiegelhalter_variance": "w * w * ((c - p) * (c - p) * (p * c))",
    "positive_focal_g2": "w * (y * (c * c * a))",
    "negative_focal_g2": "w * ((1D - y) * (p * p * b))",
    "hard_wrong_positive_weight": "w * y * if(hard_zero, 1D, 0D)",
    "hard_wrong_negative_weight": "w * (1D - y) * if(hard_one, 1D, 0D)",
    "hard_right_positive_weight": "w * y * if(hard_one, 1D, 0D)",
    "hard_right_negative_weight": "w * (1D - y) * if(hard_zero, 1D, 0D)",
}

SQUARED = ("squared_weight", "score_variance", "spiegelhalter_variance")


def views(spark: SparkSession) -> None:
    """The view `terms` in units, by task and model, from the views `impressions`, `clicks` and `sales`."""
    hashed = ", ".join(f"{name} IS NULL, {name}" for name in HASHED)
    values = {name: VALUE.format(f"r.{name}") for name in ("country", "device")}
    placed = PLACED.format(cap=CAP, salt=SALT, shards=SHARDS, **values)
    natural = {name: "unit * unit" if name in SQUARED else "unit" for name in TERMS}
    terms = ", ".join(f"rint({term} * 1e15D) * {natural[name]} AS {name}" for name, term in TERMS.items())
    for view, query in {
        "examples": LABELLED + DEDUPLICATED.format(hashed=hashed) + placed,
        "priced": " UNION ALL ".join(f"({select})" for select in pairs()),
        "terms": f"SELECT *, {terms} FROM priced",
    }.items():
        # Once each: planned together they grow without bound.
        spark.sql(query).localCheckpoint().createOrReplaceTempView(view)


def pairs() -> Iterator[str]:
    for (task, model), (score, weight, label, given, scale) in PAIRS.items():
        named = {"task": task, "model": model, "score": score, "weight": weight, "label": label, "given": given}
        named["unit"] = UNITS[weight]
        yield PAIR.format(**named, **LOSSES[scale])


def sums() -> Iterator[str]:
    """Every statistic as an aggregate of limbs of 34 bits: a decimal made of a large double would lose digits."""
    yield "count_if(usable) AS n"
    yield "count_if(NOT usable) AS unscored"
    yield "count_if(usable AND y > 0D) AS positive_rows"
    for name in TERMS:
        high = f"floor({name} / 17179869184D)"
        low = f"({name} - {high} * 17179869184D)"
        high, low = (f"sum(cast(cast({limb} AS bigint) AS decimal(20, 0)))" for limb in (high, low))
        units = f"cast({high} * 17179869184BD + {low} AS decimal(38, 0))"
        yield f"cast({units} * 0.000000000000001BD AS decimal(37, 15)) AS {name}"


def statistics() -> str:
    return f"SELECT task, model, {', '.join(DIMENSIONS)}, {', '.join(sums())} FROM terms GROUP BY ALL"


def shard_statistics() -> str:
    return " UNION ALL ".join(f"({_of_slice(names)})" for names in SLICES)


def _of_slice(names: tuple[str, ...]) -> str:
    text = ", ',', ".join(f"'{name}=', {name}" for name in names) or "''"
    return f"SELECT task, model, concat({text}) AS slice, shard, {', '.join(sums())} FROM terms GROUP BY ALL"
