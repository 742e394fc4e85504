"""Where the camera and the subject are in every frame."""
