"""What changed since an earlier day: by how much, for which of three causes, in calibration or order, since when."""
