package trigger

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/snapshots"
)

func TestInvocationAboutASnapshot(t *testing.T) {
	long := strings.Repeat("x", MaxInvocation)
	for name, tt := range map[string]struct {
		event string
		want  Invocation
		wrong string
	}{
		"an export": {
			event: `{"actor":"ann","snapshot":{"do":"export","id":"s","from":"there"}}`,
			want:  Invocation{Actor: "ann", Snapshot: &Keeping{Do: DoExport, ID: "s", From: "there"}},
		},
		"what is given up by its id": {
			event: `{"actor":"ann","scope":{"ids":["i-1"]},"snapshot":{"do":"give-up","id":"s"}}`,
			want:  Invocation{Actor: "ann", Scope: killswitch.Scope{IDs: []string{"i-1"}}, Snapshot: &Keeping{Do: DoGiveUp, ID: "s"}},
		},
		"what is given up without a name": {
			event: `{"actor":"ann","scope":{"regions":["eu-west-1"],"services":["rds"]},"snapshot":{"do":"give-up","id":"s"}}`,
			want: Invocation{
				Actor: "ann", Scope: killswitch.Scope{Regions: []string{"eu-west-1"}, Services: []string{"rds"}},
				Snapshot: &Keeping{Do: DoGiveUp, ID: "s"},
			},
		},
		"an import may be long": {
			event: `{"actor":"ann","snapshot":{"do":"import","id":"s","records":[{"pk":"` + long + `"}],"whole":{"count":1,"checksum":"c"}}}`,
			want: Invocation{Actor: "ann", Snapshot: &Keeping{
				Do: DoImport, ID: "s", Records: []snapshots.Exported{{PK: long}}, Whole: &snapshots.Whole{Count: 1, Checksum: "c"},
			}},
		},
		"an import may not be longer than Lambda takes": {event: `{"actor":"` + strings.Repeat("a", MaxImport), wrong: "6291456"},
		"an export may not be long":                     {event: `{"actor":"ann","snapshot":{"do":"export","id":"` + long + `"}}`, wrong: "262144"},
		"nobody asks":                                   {event: `{"snapshot":{"do":"delete","id":"s"}}`, wrong: "who asks"},
		"no snapshot":                                   {event: `{"actor":"ann","snapshot":{"do":"delete"}}`, wrong: "which snapshot"},
		"nothing to do":                                 {event: `{"actor":"ann","snapshot":{"id":"s"}}`, wrong: "it is give-up, export, import or delete"},
		"something else to do":                          {event: `{"actor":"ann","snapshot":{"do":"resume","id":"s"}}`, wrong: `nobody knows how to "resume"`},
		"a misspelt field":                              {event: `{"actor":"ann","snapshot":{"do":"export","id":"s","form":"x"}}`, wrong: `unknown field "form"`},
		"everything is given up":                        {event: `{"actor":"ann","snapshot":{"do":"give-up","id":"s"}}`, wrong: "has to be named"},
		"a whole kind is given up":                      {event: `{"actor":"ann","scope":{"services":["rds"]},"snapshot":{"do":"give-up","id":"s"}}`, wrong: "has to be named"},
		"what is given up by a tag":                     {event: `{"actor":"ann","scope":{"ids":["i-1"],"tags":["a"]},"snapshot":{"do":"give-up","id":"s"}}`, wrong: "not by tags"},
		"a part of a snapshot is deleted":               {event: `{"actor":"ann","scope":{"ids":["i-1"]},"snapshot":{"do":"delete","id":"s"}}`, wrong: "leave the scope out"},
		"a dry run":                                     {event: `{"actor":"ann","dryRun":true,"snapshot":{"do":"delete","id":"s"}}`, wrong: "neither dryRun nor force"},
		"by force":                                      {event: `{"actor":"ann","force":true,"snapshot":{"do":"delete","id":"s"}}`, wrong: "neither dryRun nor force"},
		"a deletion that goes on":                       {event: `{"actor":"ann","snapshot":{"do":"delete","id":"s","from":"x"}}`, wrong: "from is of an export"},
		"a deletion with records":                       {event: `{"actor":"ann","snapshot":{"do":"delete","id":"s","whole":{}}}`, wrong: "of an import"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := reader().invocation([]byte(tt.event))
			wantBadEvent(t, err, tt.wrong)
			if diff := cmp.Diff(tt.want, got); tt.wrong == "" && diff != "" {
				t.Errorf("the invocation is another (-want +got):\n%s", diff)
			}
		})
	}
	_, err := reader().Pause(t.Context(), []byte(`{"actor":"ann","snapshot":{"do":"delete","id":"s"}}`))
	wantBadEvent(t, err, "it is the resume function")
}
