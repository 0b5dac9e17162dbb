// A model folder has no crystals: a word on what can be done with it.

import type { Entry } from '../lib/api'
import { Tabs } from '../parts/tabs'

export function ModelView({ entry }: { entry: Entry }) {
  return (
    <>
      <Tabs entry={entry} at="model" />
      <p>A trained model. Ask it on the command line:</p>
      <pre class="panel">nucleate predict FORMULA --model {[entry.folder, entry.name].filter(Boolean).join('/')}</pre>
    </>
  )
}
