#!/bin/sh
# Groups the calls of role sessions with zcat, jq and awk: sh jq.sh FOLDER
find "$1" -path '*/CloudTrail/*.json.gz' -print0 | xargs -0 zcat |
	jq -r '.Records[] | select(.userIdentity.type? == "AssumedRole") |
		[.recipientAccountId, .eventID, .userIdentity.arn, .userIdentity.accessKeyId, .eventTime, .errorCode, .sourceIPAddress, .userAgent, .eventSource, .awsRegion] | @tsv' |
	awk -F '\t' '!counted[$1, $2]++ {
			if (!($3 in calls) || $5 < first[$3]) first[$3] = $5
			if ($5 > last[$3]) last[$3] = $5
			calls[$3]++
			if ($6 != "") errors[$3]++
			for (i = 4; i <= 10; i++) if (i != 5 && i != 6) seen[$3, i, $i]
		}
		END {
			for (arn in calls) { names++; total += calls[arn] }
			printf "{\"names\":%d,\"calls\":%d}\n", names, total
		}'
