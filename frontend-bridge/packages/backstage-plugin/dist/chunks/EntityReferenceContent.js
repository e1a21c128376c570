import { jsx } from "react/jsx-runtime";
import { stringifyEntityRef } from "@backstage/catalog-model";
import { useEntity } from "@backstage/plugin-catalog-react";
import { C as CallboardElement } from "./CallboardElement.js";
function EntityReferenceContent() {
  return /* @__PURE__ */ jsx(CallboardElement, { tag: "callboard-api-docs", attributes: { entity: stringifyEntityRef(useEntity().entity) } });
}
export {
  EntityReferenceContent
};
