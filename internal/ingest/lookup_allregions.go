package ingest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/account"
	"github.com/aws/aws-sdk-go-v2/service/account/types"
)

// DefaultRegionsDate is when the list of DefaultRegions was last compared with
// AWS's documentation.
const DefaultRegionsDate = "2026-11-24"

// listRegionsTimeout bounds the wait for a list without which the scan can do.
const listRegionsTimeout = 10 * time.Second

// DefaultRegions gives the regions that are on in every account, those that
// AWS opened before 20 March 2019, of the partition that region belongs to. An
// account must enable later ones first.
//
// https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-regions.html
// https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html
func DefaultRegions(region string) []string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return []string{"cn-north-1", "cn-northwest-1"}
	case strings.HasPrefix(region, "us-gov-"):
		return []string{"us-gov-east-1", "us-gov-west-1"}
	case globalRegion([]string{region}) == "":
		return []string{region}
	}
	return []string{
		"ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-southeast-1", "ap-southeast-2",
		"ca-central-1", "eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3", "sa-east-1",
		"us-east-1", "us-east-2", "us-west-1", "us-west-2",
	}
}

// globalRegion is the region in which services without a region of their own,
// the global STS endpoint among them, are logged; empty for partitions that
// have no such endpoint.
//
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_region-endpoints.html
func globalRegion(regions []string) string {
	for _, r := range regions {
		for _, prefix := range []string{"cn-", "us-gov-", "us-iso", "eu-iso", "eusc-"} {
			if strings.HasPrefix(r, prefix) {
				return ""
			}
		}
	}
	return "us-east-1"
}

// ListRegions asks account:ListRegions for the regions that are enabled in the
// caller's account, sorted. Where that is denied or cannot be reached it gives
// DefaultRegions instead, and a note that says so. An error means that there are
// no usable credentials, or that ctx ended.
//
// https://docs.aws.amazon.com/accounts/latest/reference/API_ListRegions.html
func ListRegions(ctx context.Context, cfg aws.Config) (regions []string, note string, err error) {
	client := account.NewFromConfig(cfg)
	timed, cancel := context.WithTimeout(ctx, listRegionsTimeout)
	defer cancel()
	in := &account.ListRegionsInput{
		RegionOptStatusContains: []types.RegionOptStatus{types.RegionOptStatusEnabled, types.RegionOptStatusEnabledByDefault},
	}
	// Not the SDK's paginator, for which the linker keeps all of the client.
	for token := ""; ; {
		page, err := client.ListRegions(timed, in)
		if err != nil {
			var credentials *credentialsError
			if ctx.Err() != nil || errors.As(err, &credentials) {
				return nil, "", newRequestError(ctx, "list the account's regions", err)
			}
			return fallbackRegions(cfg, err)
		}
		for _, r := range page.Regions {
			if name := aws.ToString(r.RegionName); isRegion(name) {
				regions = append(regions, name)
			}
		}
		next := aws.ToString(page.NextToken)
		if next == "" || next == token {
			break
		}
		token, in.NextToken = next, page.NextToken
	}
	if len(regions) == 0 {
		return fallbackRegions(cfg, errors.New("the answer names no region"))
	}
	slices.Sort(regions)
	return slices.Compact(regions), "", nil
}

func fallbackRegions(cfg aws.Config, err error) ([]string, string, error) {
	regions := DefaultRegions(cfg.Region)
	why, _ := awsCause(err)
	return regions, oneLine(fmt.Sprintf("list the account's regions: %s; asking the %s on by default (as of %s) and none that the account has enabled itself: allow account:ListRegions, or name the regions with --region",
		why, plural(len(regions), "region that is", "regions that are"), DefaultRegionsDate)), nil
}
