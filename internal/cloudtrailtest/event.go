package cloudtrailtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// event is a record as LookupEvents indexes it.
type event struct {
	raw        json.RawMessage
	account    string
	region     string
	time       time.Time
	management bool
	id         string
	name       string
	source     string
	readOnly   string
	user       string
	key        string
	resources  []resource
}

type resource struct {
	ResourceType string `json:",omitempty"`
	ResourceName string
}

func newEvent(raw json.RawMessage) (event, error) {
	var r struct {
		EventID            string
		EventName          string
		EventSource        string
		EventTime          time.Time
		AwsRegion          string
		RecipientAccountID string
		ReadOnly           *bool
		ManagementEvent    *bool
		EventCategory      string
		UserIdentity       struct {
			Type        string
			PrincipalID string
			UserName    string
			AccessKeyID string
		}
		RequestParameters struct {
			RoleArn string
		}
		ResponseElements struct {
			Credentials struct {
				AccessKeyID string
			}
			AssumedRoleUser struct {
				AssumedRoleID string
				Arn           string
			}
		}
		Resources []struct {
			ARN  string
			Type string
		}
	}
	// Records violate their own types now and then; what has the right one is taken.
	var typeErr *json.UnmarshalTypeError
	if err := json.Unmarshal(raw, &r); err != nil && !errors.As(err, &typeErr) {
		return event{}, fmt.Errorf("not a CloudTrail record: %w", err)
	}
	if r.EventTime.IsZero() {
		return event{}, errors.New("no eventTime")
	}
	e := event{
		raw: raw, account: r.RecipientAccountID, region: r.AwsRegion, time: r.EventTime.UTC(),
		management: r.EventCategory == "Management" || r.EventCategory == "" && (r.ManagementEvent == nil || *r.ManagementEvent),
		id:         r.EventID, name: r.EventName, source: r.EventSource,
		key: r.UserIdentity.AccessKeyID,
	}
	if e.region == "" {
		e.region = "us-east-1"
	}
	if r.ReadOnly != nil {
		e.readOnly = fmt.Sprint(*r.ReadOnly)
	}
	// A session's user name is its session name; a service has none.
	switch u := r.UserIdentity; u.Type {
	case "AssumedRole":
		_, e.user, _ = strings.Cut(u.PrincipalID, ":")
	case "Root":
		e.user = "root"
	case "AWSService", "AWSAccount":
	default:
		e.user = u.UserName
	}
	for _, res := range r.Resources {
		e.add(res.Type, res.ARN)
	}
	// What an assume event is found by: the issued key, the session in three
	// forms, and the role.
	e.add("AWS::IAM::AccessKey", r.ResponseElements.Credentials.AccessKeyID)
	if user := r.ResponseElements.AssumedRoleUser; user.AssumedRoleID != "" {
		_, name, _ := strings.Cut(user.AssumedRoleID, ":")
		e.add("AWS::STS::AssumedRole", name)
		e.add("AWS::STS::AssumedRole", user.AssumedRoleID)
		e.add("AWS::STS::AssumedRole", user.Arn)
	}
	e.add("AWS::IAM::Role", r.RequestParameters.RoleArn)
	return e, nil
}

func (e *event) add(kind, name string) {
	if name != "" {
		e.resources = append(e.resources, resource{kind, name})
	}
}

// matches reports whether a lookup attribute selects the event.
func (e event) matches(key, value string) bool {
	switch key {
	case "EventId":
		return e.id == value
	case "EventName":
		return e.name == value
	case "EventSource":
		return e.source == value
	case "ReadOnly":
		return e.readOnly == value
	case "Username":
		return e.user == value
	case "AccessKeyId":
		return e.key == value
	}
	for _, r := range e.resources {
		if key == "ResourceName" && r.ResourceName == value || key == "ResourceType" && r.ResourceType == value {
			return true
		}
	}
	return false
}

func (e event) lookup() lookupEvent {
	return lookupEvent{
		EventID: e.id, EventName: e.name, ReadOnly: e.readOnly, AccessKeyID: e.key,
		EventTime: epoch{e.time}, EventSource: e.source, Username: e.user,
		Resources: e.resources, CloudTrailEvent: string(e.raw),
	}
}
