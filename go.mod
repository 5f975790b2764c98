module github.com/trailscan/trailscan

go 1.26
