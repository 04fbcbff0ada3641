-- What a unit of weight costs whose score was exactly 0 or 1, at the clip, in nats.
--   of_wrong  where the score was certain and wrong; NULL at a clip of 0, where that costs without end
--   of_right  where it was certain and right
SELECT
  CASE WHEN clip > 0 THEN -LN(clip) END AS of_wrong,
  -- -ln(1 - clip), but with all digits of clip, of which 1 - clip has lost most.
  CASE WHEN 1 - clip = 1 THEN clip ELSE LN(1 - clip) * clip / ((1 - clip) - 1) END AS of_right
FROM clip
