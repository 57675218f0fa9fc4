package awserr_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"aws-hit-breaks/pkg/awserr"
)

// answer is an error as an SDK client returns it: the operation around the HTTP response around
// AWS's code.
func answer(status int, code, message string) error {
	return &smithy.OperationError{ServiceID: "RDS", OperationName: "StopDBInstance", Err: &smithyhttp.ResponseError{
		Response: &smithyhttp.Response{Response: &http.Response{StatusCode: status}},
		Err:      &smithy.GenericAPIError{Code: code, Message: message},
	}}
}

func TestOfCodes(t *testing.T) {
	tests := []struct {
		class awserr.Class
		codes string
	}{
		{awserr.Throttled, `RequestLimitExceeded Throttling ThrottlingException RateExceeded TooManyRequestsException
			ProvisionedThroughputExceededException`},
		{awserr.Transient, `InternalError Unavailable ServiceUnavailable RequestExpired ServerException
			InternalServiceException InternalServerError InvalidNextTokenException`},
		{awserr.Denied, `UnauthorizedOperation AccessDenied AccessDeniedException ExpiredToken AuthFailure OptInRequired
			UnrecognizedClientException FailedResourceAccessException BlockedException`},
		{awserr.Gone, `InvalidInstanceID.NotFound DBInstanceNotFound DBInstanceNotFoundFault DBClusterNotFoundFault
			ServiceNotFoundException ServiceNotActiveException ClusterNotFoundException ObjectNotFoundException`},
		{awserr.Busy, `IncorrectInstanceState InvalidDBInstanceState InvalidDBInstanceStateFault InvalidDBClusterStateFault
			InvalidDBShardGroupState InvalidDBCapacityReservationState ResourceInUse ResourceContention
			ScalingActivityInProgress ServiceLinkedRoleFailure ConcurrentUpdateException`},
		{awserr.Refused, `UnsupportedOperation OperationNotPermitted IncorrectSpotRequestState InvalidInstanceID.Malformed
			UnsupportedHibernationConfiguration InvalidHostState ResourceCountExceeded InvalidParameterCombination
			ValidationError ValidationException InvalidParameterException InvalidParameterValue ClientException
			UnsupportedFeatureException PlatformUnknownException PlatformTaskDefinitionIncompatibilityException
			NamespaceNotFoundException DBSnapshotAlreadyExists InvalidSubnet InvalidVPCNetworkStateFault
			DBSubnetGroupDoesNotCoverEnoughAZs KMSKeyNotAccessibleFault AuthorizationNotFound
			VpcEncryptionControlViolationException DBCapacityReservationNotFound`},
		{awserr.NoCapacity, `InsufficientInstanceCapacity InsufficientHostCapacity InsufficientCapacityOnHost
			IncompatibleHostRequirements InstanceLimitExceeded VcpuLimitExceeded MaxSpotInstanceCountExceeded
			SpotMaxPriceTooLow ReservationCapacityExceeded InsufficientDBInstanceCapacity SnapshotQuotaExceeded
			LimitExceededException`},
		{awserr.Unknown, "SomethingNew"},
	}
	for _, test := range tests {
		for code := range strings.FieldsSeq(test.codes) {
			t.Run(code, func(t *testing.T) {
				err := fmt.Errorf("stopping a database: %w", answer(400, code, "text"))
				if got := awserr.Of(err); got != test.class {
					t.Errorf("Of = %v, want %v", got, test.class)
				}
				if got := awserr.Code(err); got != code {
					t.Errorf("Code = %q, want %q", got, code)
				}
				if got := awserr.Explain(err); !strings.HasPrefix(got, code+": ") || strings.Contains(got, "\n") {
					t.Errorf("Explain = %q, want one line that begins with the code", got)
				}
			})
		}
	}
}

func TestOf(t *testing.T) {
	send := func(err error) error { return &smithyhttp.RequestSendError{Err: err} }
	status := func(code int) error {
		return &smithyhttp.ResponseError{
			Response: &smithyhttp.Response{Response: &http.Response{StatusCode: code}}, Err: errors.New("no body"),
		}
	}
	tests := map[string]struct {
		err  error
		want awserr.Class
	}{
		"no error": {nil, awserr.None},
		"a code counts more than a status of 500":     {answer(500, "InsufficientInstanceCapacity", ""), awserr.NoCapacity},
		"a code counts more than a status of 503":     {answer(503, "RequestLimitExceeded", ""), awserr.Throttled},
		"an unknown code with a status of 500":        {answer(500, "SomethingNew", ""), awserr.Transient},
		"an unknown code with a status of 403":        {answer(403, "SomethingNew", ""), awserr.Denied},
		"an unknown code with a status of 429":        {answer(429, "SomethingNew", ""), awserr.Throttled},
		"an unknown code that is the server's fault":  {&smithy.GenericAPIError{Code: "X", Fault: smithy.FaultServer}, awserr.Transient},
		"an unknown code that is nobody's fault":      {&smithy.GenericAPIError{Code: "X"}, awserr.Unknown},
		"a status of 502 without a code":              {status(502), awserr.Transient},
		"a status of 400 without a code":              {status(400), awserr.Unknown},
		"a connection that was refused":               {send(&net.OpError{Op: "dial", Err: errors.New("refused")}), awserr.Transient},
		"a connection that was cut":                   {fmt.Errorf("reading: %w", io.ErrUnexpectedEOF), awserr.Transient},
		"an answer that was cut":                      {&smithy.DeserializationError{Err: io.EOF}, awserr.Transient},
		"a name of an endpoint that is not known":     {send(&net.DNSError{IsNotFound: true}), awserr.Unknown},
		"a name server that does not answer":          {send(&net.DNSError{IsTimeout: true}), awserr.Transient},
		"the deadline of the call":                    {&smithy.CanceledError{Err: context.DeadlineExceeded}, awserr.Transient},
		"a cancelled context":                         {&smithy.CanceledError{Err: context.Canceled}, awserr.Cancelled},
		"a refusal whose retry was not allowed":       {errors.Join(answer(400, "Throttling", ""), errors.New("no token")), awserr.Throttled},
		"a refusal and then a cancelled context":      {errors.Join(answer(400, "DBInstanceNotFound", ""), context.Canceled), awserr.Gone},
		"an error of somebody else":                   {errors.New("what"), awserr.Unknown},
		"a group that does not exist":                 {answer(400, "ValidationError", "AutoScalingGroup name not found - AutoScalingGroup 'a' not found"), awserr.Gone},
		"a group that exists and a bad value":         {answer(400, "ValidationError", "Desired capacity:5 must be between…"), awserr.Refused},
		"the same beginning under another code":       {answer(400, "InvalidParameterValue", "AutoScalingGroup name not found"), awserr.Refused},
		"a code in the text of somebody else's error": {errors.New("DBInstanceNotFound: no"), awserr.Unknown},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := awserr.Of(test.err); got != test.want {
				t.Errorf("Of(%v) = %v, want %v", test.err, got, test.want)
			}
		})
	}
}

func TestExplain(t *testing.T) {
	const denied = "You are not authorized to perform this operation. User: arn:aws:sts::111122223333:assumed-role/brake/x " +
		"is not authorized to perform: ec2:StopInstances on resource: arn:aws:ec2:eu-west-1:111122223333:instance/i-0abc "
	tests := map[string]struct {
		err  error
		want string
	}{
		"nothing": {nil, ""},
		"a denial that names its action": {
			answer(403, "UnauthorizedOperation", denied+"because no identity-based policy allows it. Encoded authorization failure message: Zm9vYmFy"),
			"UnauthorizedOperation: not allowed to call ec2:StopInstances; allow it in the policy of the role",
		},
		"a denial by the organization": {
			answer(403, "AccessDeniedException", denied+"with an explicit deny in a service control policy"),
			"AccessDeniedException: not allowed to call ec2:StopInstances; a service control policy of the organization denies it: ask who owns that",
		},
		"a denial by a policy": {
			answer(403, "AccessDenied", denied+"with an explicit deny in an identity-based policy"),
			"AccessDenied: not allowed to call ec2:StopInstances; a policy denies it explicitly: lift that",
		},
		"a denial that names no action names the call": {
			answer(403, "AccessDenied", "Access denied"),
			"AccessDenied: not allowed to call RDS StopDBInstance; allow it in the policy of the role",
		},
		"credentials that have expired": {
			answer(403, "ExpiredTokenException", "The security token ASIA1234567890ABCDEF included in the request is expired"),
			"ExpiredTokenException: the credentials have expired: log in again (`aws sso login`, `aws login`, or whatever gave them to you)",
		},
		"a service that is not enabled": {
			answer(401, "OptInRequired", "You are not subscribed to this service."),
			"OptInRequired: the account may not use this service or region; enable it or ask AWS support",
		},
		"a state that passes, with what AWS says of it": {
			answer(400, "InvalidDBInstanceState", "Instance shop is not in available state."),
			"InvalidDBInstanceState: its state does not allow that now; it is tried again (AWS: Instance shop is not in available state)",
		},
		"a refusal whose text carries a request id": {
			answer(400, "ClientException", "Something. (Service: ECS, Request ID: 5f1e0f3c-aaaa-bbbb-cccc-0123456789ab)\nmore"),
			"ClientException: AWS refuses it and will do so again; see to the resource itself (AWS: Something. (Service: ECS) more)",
		},
		"a refusal whose text ends with a request id": {
			answer(400, "ClientException", "Something. (request id: 5f1e0f3c)"),
			"ClientException: AWS refuses it and will do so again; see to the resource itself (AWS: Something)",
		},
		"a key that cannot be used": {
			answer(400, "KMSKeyNotAccessibleFault", ""),
			"KMSKeyNotAccessibleFault: its KMS key cannot be used; enable the key and allow its use",
		},
		"a call without an answer": {
			&smithy.OperationError{ServiceID: "ECS", OperationName: "UpdateService", Err: &smithyhttp.RequestSendError{Err: io.EOF}},
			"no connection to AWS during ECS UpdateService: it is tried again",
		},
		"a call whose deadline passed": {
			&smithy.CanceledError{Err: context.DeadlineExceeded},
			"no answer in time: whether the call took effect shows at the next look",
		},
		"a call that was cancelled": {
			&smithy.CanceledError{Err: context.Canceled},
			"cancelled: whether the call took effect shows at the next look",
		},
		"a region that does not exist": {
			&smithyhttp.RequestSendError{Err: &net.DNSError{IsNotFound: true}},
			"the endpoint is not known: check the region's name and the network",
		},
		"an error of somebody else, cut": {
			errors.New(strings.Repeat("ä", 500)), strings.Repeat("ä", 240) + "…",
		},
		"an error of the SDK with the id of its request": {
			errors.New("https response error StatusCode: 400, RequestID: 5f1e0f3c-aaaa, what"),
			"https response error StatusCode: 400, what",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := awserr.Explain(test.err); got != test.want {
				t.Errorf("Explain:\n got %q\nwant %q", got, test.want)
			}
		})
	}
}

// TestWithoutCredentials asks the real SDK, since the error has no type to hold on to.
func TestWithoutCredentials(t *testing.T) {
	tests := map[string]struct {
		cause error
		want  awserr.Class
	}{
		"no provider has any":                       {errors.New("no EC2 IMDS role found"), awserr.Denied},
		"the instance metadata does not answer":     {fmt.Errorf("ec2imds: %w", context.DeadlineExceeded), awserr.Denied},
		"the run was cancelled while they were got": {context.Canceled, awserr.Cancelled},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			client := sts.New(sts.Options{Region: "eu-west-1", Credentials: aws.CredentialsProviderFunc(
				func(context.Context) (aws.Credentials, error) { return aws.Credentials{}, test.cause })})
			_, err := client.GetCallerIdentity(t.Context(), nil)
			if got := awserr.Of(err); got != test.want {
				t.Errorf("Of(%v) = %v, want %v", err, got, test.want)
			}
			if got := awserr.Explain(err); strings.Contains(got, "AWS credentials: ") != (test.want == awserr.Denied) {
				t.Errorf("Explain(%v) = %q", err, got)
			}
		})
	}
}

func TestClassString(t *testing.T) {
	for class, want := range map[awserr.Class]string{
		awserr.None: "none", awserr.NoCapacity: "no capacity", awserr.Unknown: "unknown", 99: "unknown", -1: "unknown",
	} {
		if got := class.String(); got != want {
			t.Errorf("Class(%d) = %q, want %q", int(class), got, want)
		}
	}
}
