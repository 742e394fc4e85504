"""What renders a shot: one verb, `render(shot, progress) -> Clip`."""
