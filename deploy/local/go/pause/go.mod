module taas.dev/local/pause

go 1.24
