// One round with the client that oapi-codegen made: prints what it read, as JSON.
package main

import (
	"context"
	"encoding/json"
	"log"
	"net/http"
	"os"

	"github.com/google/uuid"
	"hashgauge.invalid/round/hashgauge"
)

func main() {
	address, key := os.Args[1], os.Args[2]
	donor, recipient, rig := uuid.MustParse(os.Args[3]), uuid.MustParse(os.Args[4]), uuid.MustParse(os.Args[5])
	ctx := context.Background()
	client, err := hashgauge.NewClientWithResponses(address, hashgauge.WithRequestEditorFn(
		func(_ context.Context, request *http.Request) error {
			request.Header.Set("X-Headframe-API-Key", key)
			return nil
		}))
	check(err)

	hour := hashgauge.PeriodPT1H
	chart, err := client.WorkersChartsWithResponse(ctx, &hashgauge.WorkersChartsParams{
		Period: &hour, Id: []uuid.UUID{rig},
	})
	check(err)
	points := chart.JSON200.Data[rig.String()].Points
	stats, err := client.WorkersStatsWithResponse(ctx, &hashgauge.WorkersStatsParams{Id: []uuid.UUID{rig}})
	check(err)
	limit, sort := int32(2), hashgauge.WorkerSortWorkerName
	listed, err := client.MinerWorkersWithResponse(ctx, donor, &hashgauge.MinerWorkersParams{
		Limit: &limit, SortBy: &sort, Status: &[]hashgauge.WorkerStatus{hashgauge.WorkerStatusStable},
	})
	check(err)
	names := []string{}
	for _, worker := range listed.JSON200.Data {
		names = append(names, worker.Name)
	}
	report, err := client.WorkersDailyReportWithResponse(ctx, donor, &hashgauge.WorkersDailyReportParams{})
	check(err)

	made, changed, gone := boundaryWorker(ctx, client, donor, recipient)
	payments, err := client.MinerPaymentsWithResponse(ctx, donor, &hashgauge.MinerPaymentsParams{})
	check(err)
	payment := payments.JSON200.Data[0]
	missing, err := client.MinerWithResponse(ctx, uuid.MustParse("00000000-0000-0000-0000-000000000001"))
	check(err)

	check(json.NewEncoder(os.Stdout).Encode(map[string]any{
		"points":  len(points),
		"chart":   points[len(points)-1].Hashrate,
		"stats":   (*stats.JSON200)[rig.String()].N1h.Hashrate,
		"workers": names,
		"total":   listed.JSON200.Pagination.TotalCount,
		"report":  len(report.JSON200.Data),
		"made":    made.Hashrate.Current.Hashrate,
		"changed": changed.Id == made.Id,
		"gone":    gone,
		"payment": []any{payment.Type, payment.Amount},
		"missing": []any{missing.StatusCode(), missing.JSON404.Error.Message},
	}))
}

// boundaryWorker makes one, changes it, reads it again and disconnects it.
func boundaryWorker(ctx context.Context, client *hashgauge.ClientWithResponses, donor, recipient uuid.UUID) (
	*hashgauge.BoundaryWorker, *hashgauge.BoundaryWorker, int,
) {
	body := hashgauge.NewBoundaryWorker{Name: "round_go", RecipientMinerId: recipient, DonorMinerId: donor}
	check(body.Hashrate.FromNewBoundaryWorkerHashrate1(5_000_000_000_000))
	made, err := client.CreateBoundaryWorkerWithResponse(ctx, body)
	check(err)
	id := made.JSON200.Id
	var change hashgauge.ChangedBoundaryWorker
	check(change.Hashrate.FromChangedBoundaryWorkerHashrate0("6000000000000"))
	_, err = client.ChangeBoundaryWorkerWithResponse(ctx, id, change)
	check(err)
	read, err := client.BoundaryWorkerWithResponse(ctx, id)
	check(err)
	gone, err := client.DisconnectBoundaryWorkerWithResponse(ctx, id)
	check(err)
	return made.JSON200, read.JSON200, gone.StatusCode()
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
