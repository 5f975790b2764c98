#!/bin/sh
# Groups the calls of role sessions with zcat, jq and awk: sh jq.sh FOLDER
find "$1" -path '*/CloudTrail/*.json.gz' -print0 | xargs -0 zcat |
	jq -r '.Records[] | select(.userIdentity.type? == "AssumedRole") |
		[.recipientAccountId, .eventID, .userIdentity.arn, .userIdentity.accessKeyId, .eventTime, .errorCode, .sourceIPAddress, .userAgent, .eventSource, .awsRegion,
			.userIdentity.sessionContext.attributes.creationDate, .userIdentity.sessionContext.sessionIssuer.arn] | @tsv' |
	awk -F '\t' 'function text(s) { gsub(/["\\]/, "\\\\&", s); return "\"" s "\"" }
		# add counts a value of a name in how many, and lists it in samples.
		function add(arn, value) {
			if (value == "" || (arn, value) in seen) return 0
			seen[arn, value] = 1
			return 1
		}
		!counted[$1, $2]++ {
			if (!($3 in calls) || $5 < first[$3]) first[$3] = $5
			if ($5 > last[$3]) last[$3] = $5
			calls[$3]++
			if ($6 != "") errors[$3]++
			role[$3] = $12
			sessions[$3] += add($3 SUBSEP 1, $4 " " $11)
			if (add($3 SUBSEP 2, $7) && ips[$3]++ < 10) ipSample[$3] = ipSample[$3] "," text($7)
			if (add($3 SUBSEP 3, $8) && agents[$3]++ < 10) agentSample[$3] = agentSample[$3] "," text($8)
			if (add($3 SUBSEP 4, $9)) services[$3] = services[$3] SUBSEP $9
			if (add($3 SUBSEP 5, $10)) regions[$3] = regions[$3] "," text($10)
			byService[$3, $9]++
		}
		END {
			for (arn in calls) {
				list = ""
				n = split(substr(services[arn], 2), names, SUBSEP)
				for (i = 1; i <= n; i++) list = list "," text(names[i]) ":" byService[arn, names[i]]
				printf "{\"arn\":%s,\"roleArn\":%s,\"sessions\":%d,\"calls\":%d,\"errors\":%d,\"firstSeen\":%s,\"lastSeen\":%s,\"sourceIps\":%d,\"ipSample\":[%s],\"userAgents\":%d,\"agentSample\":[%s],\"services\":{%s},\"regions\":[%s]}\n",
					text(arn), text(role[arn]), sessions[arn], calls[arn], errors[arn], text(first[arn]), text(last[arn]),
					ips[arn], substr(ipSample[arn], 2), agents[arn], substr(agentSample[arn], 2), substr(list, 2), substr(regions[arn], 2)
			}
		}'
