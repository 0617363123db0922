// A pool that nobody has mined for yet: how to send the first share.

import { BASE } from '../service/api'
import { filled, texts } from '../text'

const SHARE =
  '{"timestamp": "NOW", "account_name": "alice", "worker_name": "rig1", "difficulty": 65536, "result": "accepted"}'
const TIMED = SHARE.replace('"NOW"', '$(date +%s)000')

export function FirstShare() {
  return (
    <section class="card" aria-label={texts.firstShare.label}>
      <h2>{texts.firstShare.title}</h2>
      <p>{filled(texts.firstShare.byGateway, <code>hashgauge gateway</code>)}</p>
      <pre>{`curl 127.0.0.1:8090/shares -H 'Content-Type: application/json' -d "${TIMED.replaceAll('"', '\\"')}"`}</pre>
      <p>{texts.firstShare.byKafka}</p>
      <pre>{`echo "${TIMED.replaceAll('"', '\\"')}" | kafka-console-producer.sh --bootstrap-server 127.0.0.1:9092 --topic shares`}</pre>
      <p>{texts.firstShare.byFeed}</p>
      <pre>hashgauge feed ckpool /var/log/ckpool --follow</pre>
      <p class="hint">{filled(texts.firstShare.hint, <a class="in-text" href={`${BASE}/docs`}>{texts.firstShare.reference}</a>)}</p>
    </section>
  )
}
