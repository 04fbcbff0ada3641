"""From score bins: what is miscalibration, what recalibration would mend, and the score bands where it is."""
