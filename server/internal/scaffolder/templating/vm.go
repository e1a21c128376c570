package templating

import _ "modernc.org/quickjs"
