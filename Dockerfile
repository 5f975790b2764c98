# The release's image: the static binary, root certificates and nothing else; no
# shell, no root. goreleaser puts the binary of each platform beside this file.
# To make it without goreleaser:
#
#   CGO_ENABLED=0 GOOS=linux GOARCH=amd64 go build -trimpath -ldflags="-s -w" -o linux/amd64/trailscan ./cmd/trailscan
#   docker build --build-arg TARGETPLATFORM=linux/amd64 -t trailscan .
FROM gcr.io/distroless/static-debian12:nonroot
ARG TARGETPLATFORM
COPY $TARGETPLATFORM/trailscan /usr/bin/trailscan
USER 65532:65532
WORKDIR /home/nonroot
ENTRYPOINT ["/usr/bin/trailscan"]
