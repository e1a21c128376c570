import { stringifyEntityRef } from '@backstage/catalog-model';
import { useEntity } from '@backstage/plugin-catalog-react';
import { CallboardElement } from './CallboardElement.js';
import { Panel } from './Panel.js';

/** The reference of the API of the page, which the host makes of its description: OpenAPI, AsyncAPI, GraphQL or gRPC. Its operations have addresses. */
export function EntityReferenceContent() {
  return (
    <Panel>
      <CallboardElement tag="callboard-api-docs" attributes={{ entity: stringifyEntityRef(useEntity().entity), linked: '' }} />
    </Panel>
  );
}
