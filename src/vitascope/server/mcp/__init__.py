"""The service for programs that speak the Model Context Protocol: the same rules and limits as over HTTP."""
