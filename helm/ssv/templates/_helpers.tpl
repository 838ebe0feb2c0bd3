{{- define "ssv.operatorName" -}}ssv-operator{{- end }}

{{- define "ssv.tag" -}}{{ .Values.images.tag | default .Chart.AppVersion }}{{- end }}

{{- define "ssv.operatorImage" -}}
{{- $digest := get .Values.images.digests "operator" -}}
{{ .Values.images.repository }}/operator{{ if $digest }}@{{ $digest }}{{ else }}:{{ include "ssv.tag" . }}{{ end }}
{{- end }}

{{- define "ssv.namespaces" -}}
{{- toJson (concat (list .Release.Namespace) .Values.watchNamespaces | uniq) -}}
{{- end }}

{{- define "ssv.selector" -}}
app.kubernetes.io/name: {{ include "ssv.operatorName" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "ssv.labels" -}}
{{ include "ssv.selector" . }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "ssv.ownNode" -}}{{ if .Values.node.create }}{{ .Values.node.name }}{{ end }}{{- end }}

{{- define "ssv.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "ssv.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{- define "ssv.resources" -}}
requests:
  cpu: {{ .Values.operator.resources.cpu }}
  memory: {{ .Values.operator.resources.memory }}
limits:
  memory: {{ .Values.operator.resources.memory }}
{{- end }}

{{- define "ssv.placement" -}}
{{- with .Values.images.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- with .Values.operator.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.operator.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.operator.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end }}

{{- /* A container of our image that runs once: (dict "root" $ "name" … "module" … "arguments" (list …)) */ -}}
{{- define "ssv.once" -}}
- name: {{ .name }}
  image: {{ include "ssv.operatorImage" .root }}
  imagePullPolicy: {{ .root.Values.images.pullPolicy }}
  command: [python, -m, {{ .module }}]
  args:
    {{- range .arguments }}
    - {{ . | toString | quote }}
    {{- end }}
  env:
    - {name: HOME, value: /tmp}
    - {name: USER, value: ssv}
  resources:
    {{- include "ssv.resources" .root | nindent 4 }}
  securityContext:
    {{- include "ssv.containerSecurity" .root | nindent 4 }}
  volumeMounts:
    - {name: tmp, mountPath: /tmp}
{{- end }}
